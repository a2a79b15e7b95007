"""Sums of days are those of the attempts, whatever is recorded when."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from stationmaster.ledger.days import day_sums, roll_up
from stationmaster.ledger.engine import make_engine
from stationmaster.ledger.models import step_day
from stationmaster.ledger.retention import prune
from tests.ledger.attempts import record, result

if TYPE_CHECKING:
    from collections.abc import Callable

    from stationmaster.ledger.store import Ledger

MONDAY = dt.date(2026, 3, 2)
SUNDAY = MONDAY + dt.timedelta(days=6)
NOW = dt.datetime(2026, 3, 9, 7, 30, tzinfo=dt.UTC)


def at(day: int, hour: int = 6) -> dt.datetime:
    """Return a moment of that week, its first day being 0."""
    return dt.datetime(2026, 3, 2, hour, tzinfo=dt.UTC) + dt.timedelta(days=day)


def a_week(ledger: Ledger) -> None:
    """Record two attempts a day: one that ran out of memory, one that did not."""
    for day in range(7):
        for verdict in ("out_of_memory", "succeeded"):
            ledger.record(
                record(
                    try_id=str(uuid.uuid4()),
                    verdict=verdict,
                    result=result(100),
                    scheduled_at=at(day),
                    finished_at=at(day) + dt.timedelta(hours=1),
                    asked_cpu_millicores=1000,
                    asked_memory_bytes=4 * 2**30,
                    node_cpu_millicores=2000,
                    node_memory_bytes=8 * 2**30,
                    node_price_per_hour=0.096,
                    recorded_at=at(day, 7),
                )
            )


@pytest.fixture(name="engine")
def _engine(uri: str, ledger: Ledger) -> sa.Engine:
    """Return the engine of a ledger that holds a week."""
    a_week(ledger)
    return make_engine(uri)


@pytest.fixture(name="sums")
def _sums(engine: sa.Engine) -> Callable[[], list[Any]]:
    """Return a function that asks for the week's sums by day and verdict."""

    def ask() -> list[Any]:
        with engine.connect() as connection:
            days = day_sums(connection, MONDAY, SUNDAY)
            query = sa.select(days).order_by(days.c.day, days.c.verdict)
            return [dict(row) for row in connection.execute(query).mappings()]

    return ask


def test_sums_are_the_same_before_and_after_they_are_made(
    engine: sa.Engine, sums: Callable[[], list[Any]]
) -> None:
    """Whoever asks gets the same numbers, summed up or counted, and half of each."""
    counted = sums()
    assert len(counted) == 14
    assert [counted[0][name] for name in ("day", "attempts", "rows_written")] == [MONDAY, 1, 100]
    assert counted[0]["cost_usd"] == pytest.approx(0.048)

    assert len(roll_up(engine, now=at(3, 6))) == 4
    assert sums() == counted
    assert len(roll_up(engine, now=NOW)) == 5
    assert sums() == counted


def test_pipelines_have_the_sums_of_their_steps(engine: sa.Engine) -> None:
    """Without steps there are fewer rows, and the same sums, counted and summed up."""

    def totals(*, steps: bool) -> tuple[Any, ...]:
        with engine.connect() as connection:
            days = day_sums(connection, MONDAY, SUNDAY, steps=steps)
            columns = (days.c.attempts, days.c.rows_written, days.c.cost_usd)
            peak = sa.func.max(days.c.peak_memory_bytes)
            query = sa.select(peak, *(sa.func.sum(each) for each in columns))
            return tuple(connection.execute(query).one())

    counted = totals(steps=False)
    assert counted == pytest.approx(totals(steps=True))
    roll_up(engine, now=NOW)
    assert totals(steps=False) == pytest.approx(counted)


def test_today_is_summed_up_to_what_is_settled(
    engine: sa.Engine, sums: Callable[[], list[Any]]
) -> None:
    """Sunday's seven o'clock is in the sums at half past, and not at five past."""
    counted = sums()
    for minutes, summed in ((5, 12), (30, 14)):
        roll_up(engine, now=at(6, 7) + dt.timedelta(minutes=minutes))

        with engine.connect() as connection:
            assert connection.execute(
                sa.select(sa.func.count()).select_from(step_day)
            ).scalar() == (summed)
        assert sums() == counted


def test_what_is_recorded_late_is_counted(
    ledger: Ledger, engine: sa.Engine, sums: Callable[[], list[Any]]
) -> None:
    """A recorder's file that is replayed after its day was summed up makes the sums anew."""
    roll_up(engine, now=NOW)
    late = record(try_id=str(uuid.uuid4()), verdict="succeeded", recorded_at=at(1))

    ledger.record(late)

    tuesday = [each for each in sums() if each["day"] == MONDAY + dt.timedelta(days=1)]
    assert [each["attempts"] for each in tuesday] == [1, 2]
    assert MONDAY + dt.timedelta(days=1) in roll_up(engine, now=NOW)


def test_pruning_keeps_the_sums(
    ledger: Ledger, engine: sa.Engine, sums: Callable[[], list[Any]]
) -> None:
    """Attempts older than the policy go, the newer and all sums stay, also summed up again."""
    before = sums()

    assert prune(engine, keep_days=3, now=NOW) == 8
    assert len(ledger.last(99)) == 6
    assert prune(engine, keep_days=3, now=NOW) == 0
    roll_up(engine, now=NOW)
    assert sums() == before


def test_keeping_nothing_is_no_policy(engine: sa.Engine) -> None:
    """Less than a day is refused."""
    with pytest.raises(ValueError, match="at least 1"):
        prune(engine, keep_days=0, now=NOW)


def test_an_empty_ledger_has_no_sums(uri: str, ledger: Ledger) -> None:
    """Neither summing up nor pruning needs a row."""
    assert roll_up(make_engine(uri), now=NOW) == []
    assert ledger.prune(30) == 0
