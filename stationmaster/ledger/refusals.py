"""Tell a record that no database takes from a database that is away."""

from __future__ import annotations

from typing import Final

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError

__all__ = ["is_refusal"]

LIMIT_EXCEEDED: Final = "54"
"""Postgres's class of errors for what is too large, an index entry for example
(https://www.postgresql.org/docs/current/errcodes-appendix.html)."""


def is_refusal(error: Exception) -> bool:
    """Tell whether trying the same record again can never help."""
    if isinstance(error, (DataError, IntegrityError)):
        return True
    if isinstance(error, DBAPIError):
        return str(getattr(error.orig, "pgcode", None)).startswith(LIMIT_EXCEEDED)
    return isinstance(error, StatementError)  # not even the driver could take it
