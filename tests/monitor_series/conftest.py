"""What tests of series share with those of the ledger: its databases."""

from __future__ import annotations

from tests.ledger.conftest import ledger, postgres, postgres_uri, uri

__all__ = ["ledger", "postgres", "postgres_uri", "uri"]
