"""From the ledger's rows to outlooks: memory, duration, quarantine, pools, deadlines."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from stationmaster.ledger.engine import make_engine
from stationmaster.monitor.series.forecast import Outlook
from stationmaster.monitor.series.forecast_commands import app
from stationmaster.monitor.series.ledger_commands import outlooks_of
from stationmaster.monitor.series.ledgerrows import StepRow, read_steps
from stationmaster.monitor.series.outlooks import GIB
from stationmaster.monitor.series.runrows import run_chance, runs_of
from stationmaster.monitor.series.stepseries import Measure, memory_at_once, step_series
from stationmaster.step.protocol import OutputRef
from tests.ledger.attempts import context, record, result

if TYPE_CHECKING:
    from pathlib import Path

    from stationmaster.ledger.records import AttemptRecord
    from stationmaster.ledger.store import Ledger

FIRST = dt.date(2011, 10, 1)
WOBBLE = (1.0, 1.01, 0.99, 1.015, 0.985)


def attempt_of(day: int, peak: float, seconds: float = 60.0, **known: Any) -> AttemptRecord:  # noqa: ANN401 (any field)
    """Return the one attempt of a step on a day."""
    date = FIRST + dt.timedelta(days=day)
    step = known.pop("step", "merge")
    told = context(business_date=date, run_id=f"run-{day:03}", step=step, try_id=f"{step}-{day:03}")
    begun = dt.datetime.combine(date + dt.timedelta(days=1), dt.time(6), tzinfo=dt.UTC)
    begun += dt.timedelta(seconds=known.pop("after", 0.0))
    ended = begun + dt.timedelta(seconds=seconds)
    fields: dict[str, Any] = {
        "recorded_at": ended,
        "started_at": begun,
        "finished_at": ended,
        "verdict": "succeeded",
        "asked_memory_bytes": 2 * GIB,
        "peak_memory_bytes": round(peak),
        "rows_written": 1000,
    }
    base = record()
    return type(base).of(told, **{**fields, **known})


def leaking(days: int = 24) -> list[AttemptRecord]:
    """Return a step whose peak grows by 9 % a day after two steady weeks."""
    peaks = [0.6 * GIB * 1.09 ** max(0, day - 13) * WOBBLE[day % 5] for day in range(days)]
    return [attempt_of(day, peak) for day, peak in enumerate(peaks)]


def rows_of(ledger: Ledger, uri: str, records: list[AttemptRecord]) -> list[StepRow]:
    """Record attempts and return what forecasts read of them."""
    ledger.record_all(records)
    engine = make_engine(uri)
    try:
        return read_steps(engine, since=FIRST)
    finally:
        engine.dispose()


def test_a_step_that_outgrows_its_memory_is_told_days_ahead(ledger: Ledger, uri: str) -> None:
    """The sentence has the growth, the interval and the size that would hold it."""
    (memory,) = [
        each
        for each in outlooks_of(rows_of(ledger, uri, leaking()))
        if each.measure == "peak memory"
    ]

    assert memory.forecast.outlook is Outlook.CROSSES
    assert memory.sentence.startswith("morning_analytics/merge: peak memory, now 1.")
    assert "+9" in memory.sentence
    assert "out of memory in" in memory.sentence
    assert memory.action.startswith("Recommended: ")


def test_a_steady_step_is_no_outlook_that_anybody_should_hear_of(ledger: Ledger, uri: str) -> None:
    """Neither its memory nor its duration nor its quarantine is due."""
    steady = [attempt_of(day, GIB * WOBBLE[day % 5], 60 * WOBBLE[day % 4]) for day in range(30)]

    assert [each for each in outlooks_of(rows_of(ledger, uri, steady)) if each.is_due] == []


def test_what_gets_slower_is_told_before_it_takes_twice_as_long(ledger: Ledger, uri: str) -> None:
    """A step that needs 4 % more time each day is heading for twice its usual time."""
    slower = [
        attempt_of(day, GIB, 60 * 1.04 ** max(0, day - 20) * WOBBLE[day % 5]) for day in range(34)
    ]

    due = [each for each in outlooks_of(rows_of(ledger, uri, slower)) if each.is_due]

    assert [each.measure for each in due] == ["duration"]
    assert "twice what it was" in due[0].sentence


def test_a_growing_quarantine_is_told(ledger: Ledger, uri: str) -> None:
    """The share set aside comes from the step's own results."""
    records = []
    for day in range(30):
        aside = 2 + max(0, day - 15)
        output = OutputRef(dataset="orders", business_date=FIRST, rows=1000, quarantined_rows=aside)
        said = result().model_copy(update={"outputs": (output,)})
        records.append(attempt_of(day, GIB, result=said))
    rows = rows_of(ledger, uri, records)

    (series,) = step_series(rows, Measure.QUARANTINE).values()
    assert [point.value for point in series.by_period.values()][-1] == pytest.approx(16 / 1016)
    assert "share quarantined" in {each.measure for each in outlooks_of(rows) if each.is_due}


def test_memory_at_once_is_the_highest_sum_of_a_day(ledger: Ledger, uri: str) -> None:
    """Two steps of 2 GiB side by side need 4 at once, one after the other 2."""
    together = [attempt_of(0, GIB), attempt_of(0, GIB, step="load", after=30)]
    apart = [attempt_of(1, GIB), attempt_of(1, GIB, step="load", after=90)]

    (series,) = memory_at_once(rows_of(ledger, uri, [*together, *apart])).values()

    assert [point.value / GIB for point in series.by_period.values()] == [4.0, 2.0]


def test_a_day_that_ran_out_of_memory_needed_at_least_what_it_had(ledger: Ledger, uri: str) -> None:
    """An attempt that was killed at 2 GiB counts with 2 GiB, whatever peak it saw last."""
    killed = attempt_of(0, GIB, verdict="out_of_memory")

    (series,) = step_series(rows_of(ledger, uri, [killed]), Measure.PEAK_MEMORY).values()

    assert next(iter(series.by_period.values())).value == 2 * GIB


def morning(day: int, slow: float = 1.0) -> list[AttemptRecord]:
    """Return a run of two steps, one after the other."""
    first = 60.0 * WOBBLE[day % 5] * slow
    return [
        attempt_of(day, GIB, first, step="extract"),
        attempt_of(day, GIB, 120 * WOBBLE[day % 4], step="merge", after=first + 2),
    ]


def test_a_run_that_goes_has_a_chance_to_miss_its_deadline(ledger: Ledger, uri: str) -> None:
    """By the ledger's runs: in time with a quarter of an hour, not with two minutes."""
    records = [row for day in range(12) for row in morning(day)]
    now_run = morning(12)[0]
    rows = rows_of(ledger, uri, [*records, now_run])
    runs = runs_of(rows)
    begun = runs[-1].begun
    now = begun + dt.timedelta(seconds=65)

    calm, finish = run_chance(runs, "run-012", now=now, deadline=begun + dt.timedelta(minutes=15))
    late, _ = run_chance(runs, "run-012", now=now, deadline=begun + dt.timedelta(minutes=2))

    assert (calm.chance, late.chance, calm.runs) == (0.0, 1.0, 12)
    assert finish is not None
    assert 170 < (finish - begun).total_seconds() < 200


def said_by(uri: str, *words: str) -> str:
    """Return what a command printed about a ledger."""
    env = {"STATIONMASTER_LEDGER_URI": uri}
    return CliRunner().invoke(app, words, env=env, catch_exceptions=False).stdout


def test_an_empty_ledger_is_heading_for_nothing(tmp_path: Path) -> None:
    """Where nobody has recorded anything, the command says so and makes no file."""
    told = said_by(f"sqlite:///{tmp_path}/ledger.db", "steps")

    assert told == "Nothing is heading for a limit within 30 days.\n"
    assert list(tmp_path.iterdir()) == []


def test_the_commands_say_it_in_sentences_and_in_json(ledger: Ledger, uri: str) -> None:
    """`forecast steps` tells what is due, `forecast deadline` a chance."""
    shift = (dt.datetime.now(dt.UTC).date() - FIRST).days - 26
    ledger.record_all(
        attempt_of(day + shift, each.peak_memory_bytes or 0) for day, each in enumerate(leaking())
    )
    by = ("deadline", "morning_analytics", "--by", "2099-01-01T07:00", "--json")

    assert "out of memory in" in said_by(uri, "steps")
    assert json.loads(said_by(uri, "steps", "--json"))[0]["outlook"] == "crosses"
    assert json.loads(said_by(uri, *by))["chance_to_miss"] == 0.0
