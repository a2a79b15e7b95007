"""Bring the ledger's schema up, or take it back, with Alembic; several may try at once."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory

from stationmaster.ledger import incidentmodels  # noqa: F401 (its tables belong to METADATA)
from stationmaster.ledger.engine import safe_name, transaction
from stationmaster.ledger.models import METADATA, VERSION_TABLE
from stationmaster.ledger.schema import HEAD, is_ahead, revision_of, unknown_schema
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BASE", "MIGRATION_SECONDS", "downgrade", "migrate", "scripts"]

BASE: Final = "base"
"""Alembic's name for a database without any of our tables."""

MIGRATION_SECONDS: Final = 600
"""How long a migration waits for another one, and how long each of its statements may take."""

ADVISORY_LOCK: Final = 0x5354_4154_4C45_4447
"""Postgres's lock of whoever migrates: "STATLEDG" in ASCII; any number nobody else uses."""


def scripts() -> ScriptDirectory:
    """Return the migrations of this package."""
    return ScriptDirectory(str(Path(__file__).parent / "migrations"))


def migrate(engine: sa.Engine) -> tuple[str | None, str]:
    """Bring the schema to this program's revision; return what was there and what is.

    A newer revision of the same generation stays: a newer release was here.

    Raises:
        MisconfiguredError: The schema is of a newer generation, which this program cannot know.
    """
    with transaction(engine, writes=True, seconds=MIGRATION_SECONDS) as connection:
        found = _locked_revision(connection)
        if found is not None and is_ahead(engine, found):
            return found, found
        migrations = scripts()
        _run(connection, lambda rev, _: migrations._upgrade_revs(HEAD, rev))  # noqa: SLF001 (as Alembic's own command.upgrade)
        return found, HEAD


def downgrade(engine: sa.Engine, revision: str) -> tuple[str | None, str]:
    """Take the schema back to an older revision, or to "base": nothing; return before and after.

    Raises:
        MisconfiguredError: A revision that is unknown, or newer than what is there.
    """
    with transaction(engine, writes=True, seconds=MIGRATION_SECONDS) as connection:
        found = _locked_revision(connection)
        if found is None:
            return None, BASE
        if is_ahead(engine, found):
            raise unknown_schema(engine, found)
        migrations = scripts()
        older = [each.revision for each in migrations.iterate_revisions(found, BASE)]
        if revision not in {*older, BASE}:
            raise MisconfiguredError(
                where=f"ledger at {safe_name(engine)}",
                expected=f"one of {', '.join([*older, BASE])} to go back to",
                got=revision,
                hint="Name an older revision than the one that is there.",
            )
        _run(connection, lambda rev, _: migrations._downgrade_revs(revision, rev))  # noqa: SLF001 (as Alembic's own command.downgrade)
        return found, revision


def _run(connection: sa.Connection, steps: Callable[[Any, Any], Any]) -> None:
    """Run migration steps in the connection's own transaction; no env.py is needed for that."""
    # On a laptop this runs inside a step: its log is no place for Alembic's setup.
    logging.getLogger("alembic.runtime.migration").setLevel(logging.WARNING)
    with EnvironmentContext(Config(), scripts(), fn=steps) as environment:
        environment.configure(
            connection=connection,
            target_metadata=METADATA,
            version_table=VERSION_TABLE,
            transactional_ddl=True,  # sqlite too, since our connections begin by themselves
        )
        environment.run_migrations()


def _locked_revision(connection: sa.Connection) -> str | None:
    """Wait until nobody else migrates, then tell what is there (sqlite: the write lock)."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(ADVISORY_LOCK)))
    return revision_of(connection)
