"""Tell whether this program fits the ledger's schema; light, since every step's worker asks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from stationmaster.ledger.engine import safe_name, transaction
from stationmaster.ledger.models import VERSION_TABLE
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

__all__ = ["HEAD", "current", "is_ahead", "is_behind", "require", "revision_of", "unknown_schema"]

HEAD: Final = "g1_0010"
"""The revision that this program was written for: the newest in `migrations/versions`."""


def current(engine: Engine) -> str | None:
    """Return the revision that the database has; None for an empty one."""
    with transaction(engine) as connection:
        return revision_of(connection)


def revision_of(connection: Connection) -> str | None:
    """Return the revision that an open connection sees."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    column: sa.ColumnClause[str] = sa.column("version_num")
    return connection.execute(sa.select(column).select_from(sa.table(VERSION_TABLE))).scalar()


def require(engine: Engine) -> None:
    """Refuse a database whose schema this program does not fit.

    A newer revision of the same generation has only added things: it is no obstacle.

    Raises:
        MisconfiguredError: No tables, an older schema, or one of a newer generation.
    """
    if is_behind(engine):
        found = current(engine)
        raise MisconfiguredError(
            where=f"ledger at {safe_name(engine)}",
            expected=f"its tables at revision {HEAD}",
            got="no tables" if found is None else f"revision {found}",
            hint="Run `stationmaster ledger migrate`; on a cluster the chart's job does it.",
        )


def is_behind(engine: Engine) -> bool:
    """Tell whether a migration has to come before this program can work.

    Raises:
        MisconfiguredError: The schema is of a newer generation, or no revision of ours.
    """
    found = current(engine)
    return found is None or not (found == HEAD or is_ahead(engine, found))


def is_ahead(engine: Engine, found: str) -> bool:
    """Tell whether a revision is newer than this program, and one that it can live with.

    Raises:
        MisconfiguredError: It is of a newer generation, or no revision of ours.
    """
    ours, theirs = _position(HEAD), _position(found)
    if ours is None or theirs is None or theirs[0] > ours[0]:
        raise unknown_schema(engine, found)
    return theirs > ours


def unknown_schema(engine: Engine, found: str) -> MisconfiguredError:
    """Return the refusal of a schema that this program cannot know."""
    return MisconfiguredError(
        where=f"ledger at {safe_name(engine)}",
        expected=f"schema {HEAD}, or one that only adds to it",
        got=f"schema {found}",
        hint="A newer release was here: run that one or a newer one, or go back with it: "
        f"`stationmaster ledger downgrade {HEAD}`, then start this one again.",
    )


def _position(revision: str) -> tuple[int, int] | None:
    """Return generation and number of a revision."""
    found = re.fullmatch(r"g(\d+)_(\d+)", revision)
    return None if found is None else (int(found[1]), int(found[2]))
