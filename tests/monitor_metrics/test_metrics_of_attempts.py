"""Attempts as Prometheus counts them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from stationmaster.ledger.days import roll_up
from stationmaster.ledger.engine import make_engine
from stationmaster.ledger.retention import prune
from stationmaster.ledger.store import Ledger
from stationmaster.monitor.metrics.attempts import MOST_FRESH_DAYS
from tests.ledger.attempts import NOON, record
from tests.monitor_metrics.scraping import scrape

if TYPE_CHECKING:
    from pathlib import Path

    import sqlalchemy as sa

    from stationmaster.ledger.records import AttemptRecord

WEB = {"pipeline": "morning_analytics", "step": "extract_web"}
MIB = 2**20
DAY = dt.timedelta(days=1)


def ended(number: int, at: dt.datetime = NOON, **known: Any) -> AttemptRecord:  # noqa: ANN401 (any field)
    """Return one of many attempts, ended at a moment."""
    told = {
        "verdict": "succeeded",
        "queued_at": at - dt.timedelta(seconds=30),
        "started_at": at - dt.timedelta(seconds=20),
        "finished_at": at,
        "recorded_at": at,
        "wall_seconds": 20.0,
        "cpu_seconds": 5.0,
        "peak_memory_bytes": 90 * MIB,
        "asked_memory_bytes": 256 * MIB,
    }
    made = record(**{**told, **known})
    return made.model_copy(update={"try_id": f"01997f3e-0000-7000-8000-{number:012d}"})


def test_attempts_are_counted_by_step_and_verdict(ledger: Ledger, engine: sa.Engine) -> None:
    """Two ends of one step are two numbers, and its seconds are their sum."""
    ledger.record_all([ended(1), ended(2), ended(3, verdict="out_of_memory")])

    told = scrape(engine, NOON)

    assert told.value("attempts_total", **WEB, verdict="succeeded") == 2
    assert told.value("attempts_total", **WEB, verdict="out_of_memory") == 1
    assert told.value("attempt_run_seconds_total", **WEB) == 60
    assert abs((told.value("attempt_wait_seconds_total", **WEB) or 0) - 30) < 0.01
    assert told.value("step_peak_memory_bytes", **WEB) == 90 * MIB


def test_days_that_are_summed_up_and_pruned_still_count(ledger: Ledger, engine: sa.Engine) -> None:
    """The rows of weeks ago are gone, their sums are not: a restart takes nothing back."""
    ledger.record_all([ended(1, NOON - 50 * DAY), ended(2)])
    before = scrape(engine, NOON)
    assert prune(engine, keep_days=40, now=NOON) == 1

    after = scrape(engine, NOON)

    assert before.value("attempts_total", **WEB, verdict="succeeded") == 1
    assert after.value("attempts_total", **WEB, verdict="succeeded") == 2


def test_an_end_that_nobody_saw_is_no_end(ledger: Ledger, engine: sa.Engine) -> None:
    """It may be replaced, and a counter cannot take anything back."""
    ledger.record(ended(1, verdict="unknown"))
    roll_up(engine, now=NOON + DAY)

    told = scrape(engine, NOON + DAY)

    assert told.value("attempts_total", **WEB, verdict="unknown") is None
    assert told.value("unseen_ends") == 1


def test_what_goes_on_is_told_by_what_it_waits_for(ledger: Ledger, engine: sa.Engine) -> None:
    """A pod without a node waits for one; with a start it runs."""
    times: dict[str, Any] = {"finished_at": None, "verdict": None}
    waiting = ended(1, **times, created_at=NOON - DAY, started_at=None)
    ledger.record_all([waiting, ended(2, **times)])

    told = scrape(engine, NOON)

    one = {"pipeline": "morning_analytics"}
    assert told.value("open_attempts", **one, state="node") == 1
    assert told.value("open_attempts", **one, state="run") == 1
    oldest = told.value("open_attempt_oldest_timestamp_seconds", state="node")
    assert oldest == (NOON - DAY).timestamp()


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    days=st.lists(st.integers(0, 40), min_size=1, max_size=12),
    rolls=st.integers(0, MOST_FRESH_DAYS),
)
@example(days=[0, MOST_FRESH_DAYS], rolls=MOST_FRESH_DAYS)
def test_a_counter_never_goes_back_whatever_is_summed_up_when(
    tmp_path_factory: Any,  # noqa: ANN401 (pytest's own)
    days: list[int],
    rolls: int,
) -> None:
    """Attempts of any days, summed up within a month: each later process counts no less."""
    folder: Path = tmp_path_factory.mktemp("ledger")
    uri = f"sqlite:///{folder}/ledger.db"
    ledger, engine = Ledger.open(uri), make_engine(uri)
    counts = []
    for number, day in enumerate(sorted(days)):
        now = NOON + day * DAY
        ledger.record(ended(number, now))
        if day >= rolls:
            roll_up(engine, now=now)
        told = scrape(engine, now).value("attempts_total", **WEB, verdict="succeeded")
        counts.append(told)
    ledger.close()
    engine.dispose()

    assert counts == list(range(1, len(days) + 1))
