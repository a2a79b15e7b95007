"""One look at Stationmaster's own parts: the recorder's file, the watcher's state in the ledger."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from stationmaster.ledger.engine import is_missing, make_engine, transaction
from stationmaster.ledger.incidentmodels import watch_lease
from stationmaster.monitor.facts.missing import FactsNotHereError, FactsUnavailableError
from stationmaster.monitor.facts.once import Once
from stationmaster.monitor.facts.parts import SpoolState, WatcherState
from stationmaster.monitor.facts.within import within

if TYPE_CHECKING:
    from pathlib import Path

    from stationmaster.step.settings import Settings

__all__ = ["PartsLook"]

SPOOLS: Final = ("ledger-spool.jsonl",)
"""Below the home folder: the launcher's (stationmaster/airflow/launcher/__main__.py)."""

ANSWER_SECONDS: Final = 8.0


class PartsLook:
    """Answer as `PartsFacts`; asks each question once.

    Args:
        settings: Name the home folder and the ledger.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.spools: Once[tuple[SpoolState, ...]] = Once(self._spools)
        self.watcher: Once[WatcherState] = Once(self._watcher)

    def _spools(self) -> tuple[SpoolState, ...]:
        try:
            return tuple(_spool(self._settings.home / name) for name in SPOOLS)
        except OSError as error:
            message = f"the recorder's file cannot be read: {error}"
            raise FactsUnavailableError(message) from error

    def _watcher(self) -> WatcherState:
        try:
            row = within(ANSWER_SECONDS, self._lease)
        except (SQLAlchemyError, OSError) as error:
            cause = getattr(error, "orig", None) or error
            message = f"the ledger does not say when a watcher looked: {_flat(cause)}"
            raise FactsUnavailableError(message) from error
        if row is None:
            message = "no watcher has ever looked here (stationmaster watch)"
            raise FactsNotHereError(message)
        return WatcherState(holder=row.holder, looked_at=row.looked_at, until=row.until)

    def _lease(self) -> sa.Row[Any] | None:
        engine = make_engine(self._settings.ledger_location)
        try:
            if is_missing(engine) or not sa.inspect(engine).has_table(watch_lease.name):
                return None
            newest = sa.select(watch_lease).order_by(watch_lease.c.until.desc()).limit(1)
            with transaction(engine) as connection:
                return connection.execute(newest).one_or_none()
        finally:
            engine.dispose()


def _spool(path: Path) -> SpoolState:
    refused = path.with_name(f"{path.name}.refused")
    records, since = _lines(path)
    put_aside, refused_since = _lines(refused)
    return SpoolState(
        path=str(path),
        records=records,
        refused=put_aside,
        since=since,
        refused_since=refused_since,
    )


def _lines(path: Path) -> tuple[int, dt.datetime | None]:
    """Return how many records a file holds, and since when it does."""
    try:
        with path.open("rb") as file:
            count = sum(not line.startswith(b"#") for line in file)
    except FileNotFoundError:
        return 0, None
    return count, _birth(path) if count else None


def _birth(path: Path) -> dt.datetime:
    """Return the end of the first record, else when the file was last written."""
    try:
        with path.open("rb") as file:
            lines = (line for line in file if not line.startswith(b"#"))
            ended = json.loads(next(lines)).get("ended_at")
        found = dt.datetime.fromisoformat(ended)
    except (ValueError, TypeError, StopIteration, AttributeError):
        return dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def _flat(error: object) -> str:
    return " ".join(str(error).split())[:300]
