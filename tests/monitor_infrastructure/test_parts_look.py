"""Our own parts: the recorder's file as the recorder writes it, the watcher's lease."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from stationmaster.ledger.engine import make_engine, transaction
from stationmaster.ledger.incidentmodels import watch_lease
from stationmaster.ledger.spool import Spool
from stationmaster.ledger.store import Ledger
from stationmaster.monitor.facts.missing import FactsNotHereError, FactsUnavailableError
from stationmaster.monitor.facts.partslook import PartsLook
from stationmaster.step.settings import Settings
from tests.ledger.attempts import record
from tests.monitor_infrastructure.infrastructure import NOW

if TYPE_CHECKING:
    from pathlib import Path


def test_attempts_in_the_recorders_file_are_counted(tmp_path: Path) -> None:
    """Those that wait, those put aside, and since when."""
    spool = Spool(tmp_path / "ledger-spool.jsonl")
    spool.append([record(), record()])
    spool.refuse(record(), "too large")

    (state,) = PartsLook(Settings(home=tmp_path)).spools()

    assert (state.records, state.refused) == (2, 1)
    assert state.since is not None
    assert state.refused_since is not None


def test_without_a_file_nothing_waits(tmp_path: Path) -> None:
    """Most of the time there is none."""
    (state,) = PartsLook(Settings(home=tmp_path)).spools()

    assert (state.records, state.refused, state.since) == (0, 0, None)


def test_a_line_that_was_cut_off_still_counts(tmp_path: Path) -> None:
    """A process that was killed while it wrote leaves half a record."""
    (tmp_path / "ledger-spool.jsonl").write_text('{"half', encoding="utf-8")

    (state,) = PartsLook(Settings(home=tmp_path)).spools()

    assert state.records == 1
    assert state.since is not None


def test_the_watchers_last_look_is_read_from_the_ledger(tmp_path: Path) -> None:
    """Who looks, when it looked last, and how long it alone may."""
    own = Settings(home=tmp_path)
    ledger = Ledger.open(own.ledger_location)
    ledger.migrate()
    ledger.close()
    until = NOW + dt.timedelta(minutes=2)
    engine = make_engine(own.ledger_location)
    with transaction(engine, writes=True) as connection:
        row = {"name": "watch", "holder": "w-1", "until": until, "looked_at": NOW}
        connection.execute(watch_lease.insert().values(row))
    engine.dispose()

    state = PartsLook(own).watcher()

    assert (state.holder, state.looked_at, state.until) == ("w-1", NOW, until)


def test_no_ledger_has_no_watcher_and_one_that_is_away_is_unknown(tmp_path: Path) -> None:
    """Nobody has looked yet, or nobody knows."""
    with pytest.raises(FactsNotHereError):
        PartsLook(Settings(home=tmp_path)).watcher()
    away = Settings(home=tmp_path, ledger_uri="postgresql://x:secret-word@127.0.0.1:9/ledger")
    with pytest.raises(FactsUnavailableError) as caught:
        PartsLook(away).watcher()
    assert "secret-word" not in str(caught.value)
