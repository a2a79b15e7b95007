"""The ledger's schema: bring it up, take it back, and tell whether this program fits it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from stationmaster.ledger.engine import safe_name, transaction
from stationmaster.ledger.models import METADATA, VERSION_TABLE
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MIGRATION_SECONDS", "current", "downgrade", "head", "migrate", "require"]

MIGRATION_SECONDS: Final = 600
"""How long a migration waits for another one, and how long each of its statements may take."""

ADVISORY_LOCK: Final = 0x5354_4154_4C45_4447
"""Postgres's lock of whoever migrates: "STATLEDG" in ASCII; any number nobody else uses."""

BASE: Final = "base"


def head() -> str:
    """Return the revision that this program was written for."""
    revision = _script().get_current_head()
    if revision is None:
        message = "the package has no migrations: it was installed without its files"
        raise RuntimeError(message)
    return revision


def current(engine: sa.Engine) -> str | None:
    """Return the revision that the database has; None for an empty one."""
    with transaction(engine) as connection:
        return _revision(connection)


def require(engine: sa.Engine) -> None:
    """Refuse a database whose schema this program does not fit.

    A newer revision of the same generation has only added things: it is no obstacle.

    Raises:
        MisconfiguredError: No tables, an older schema, or one of another generation.
    """
    found = current(engine)
    if found is None or _knows(found):
        if found != head():
            raise _behind(engine, found)
    elif _generation(found) != _generation(head()):
        raise _unknown(engine, found)


def migrate(engine: sa.Engine) -> tuple[str | None, str]:
    """Bring the schema to this program's revision; return what was there and what is.

    Several may try at once: one does it, the others wait and find it done.

    Raises:
        MisconfiguredError: The schema is of another generation, which this program cannot know.
    """
    with transaction(engine, writes=True, seconds=MIGRATION_SECONDS) as connection:
        found = _locked_revision(connection)
        if found is not None and not _knows(found):
            if _generation(found) != _generation(head()):
                raise _unknown(engine, found)
            return found, found  # a newer release of the same generation was here
        script = _script()
        _run(connection, lambda rev, _: script._upgrade_revs(head(), rev))  # noqa: SLF001 (as Alembic's own command.upgrade)
        return found, head()


def downgrade(engine: sa.Engine, revision: str) -> tuple[str | None, str]:
    """Take the schema back to an older revision, or to "base": nothing; return before and after.

    Raises:
        MisconfiguredError: A revision that is unknown, or newer than what is there.
    """
    with transaction(engine, writes=True, seconds=MIGRATION_SECONDS) as connection:
        found = _locked_revision(connection)
        if found is None or not _knows(found):
            raise _unknown(engine, found or "an empty database")
        script = _script()
        older = [each.revision for each in script.iterate_revisions(found, BASE)]
        if revision not in {*older, BASE}:
            raise MisconfiguredError(
                where=f"ledger at {safe_name(engine)}",
                expected=f"one of {', '.join([*older, BASE])} to go back to",
                got=revision,
                hint="Name an older revision than the one that is there.",
            )
        _run(connection, lambda rev, _: script._downgrade_revs(revision, rev))  # noqa: SLF001 (as Alembic's own command.downgrade)
        return found, revision


def _run(connection: sa.Connection, steps: Callable[[Any, Any], Any]) -> None:
    """Run migration steps in the connection's own transaction; no env.py is needed for that."""
    with EnvironmentContext(Config(), _script(), fn=steps) as environment:
        environment.configure(
            connection=connection, target_metadata=METADATA, version_table=VERSION_TABLE
        )
        environment.run_migrations()


def _script() -> ScriptDirectory:
    return ScriptDirectory(str(Path(__file__).parent / "migrations"))


def _revision(connection: sa.Connection) -> str | None:
    options = {"version_table": VERSION_TABLE}
    return MigrationContext.configure(connection, opts=options).get_current_revision()


def _locked_revision(connection: sa.Connection) -> str | None:
    """Wait until nobody else migrates, then tell what is there (sqlite: the write lock)."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(ADVISORY_LOCK)))
    return _revision(connection)


def _knows(revision: str) -> bool:
    return revision in {each.revision for each in _script().walk_revisions()}


def _generation(revision: str) -> str:
    return revision.split("_", maxsplit=1)[0]


def _behind(engine: sa.Engine, found: str | None) -> MisconfiguredError:
    return MisconfiguredError(
        where=f"ledger at {safe_name(engine)}",
        expected=f"its tables at revision {head()}",
        got="no tables" if found is None else f"revision {found}",
        hint="Run `stationmaster ledger migrate`; on a cluster the chart's migration job does.",
    )


def _unknown(engine: sa.Engine, found: str) -> MisconfiguredError:
    return MisconfiguredError(
        where=f"ledger at {safe_name(engine)}",
        expected=f"a schema of generation {_generation(head())} (this release made {head()})",
        got=found,
        hint="A newer release was here: run that release or a newer one, or go back with it: "
        f"`stationmaster ledger downgrade {head()}`, then start this one again.",
    )
