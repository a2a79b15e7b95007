"""What checks know of the ledger: read by index, kept between looks, as known at the moment."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from stationmaster.ledger.engine import make_engine
from stationmaster.monitor.checks.every import BUSINESS, PIPELINE
from stationmaster.monitor.checks.looking import Outcome, look_at
from stationmaster.monitor.facts.attempts import Attempt, attempt_of
from stationmaster.monitor.facts.gathering import Gathering
from stationmaster.monitor.facts.ledger import LedgerFacts
from stationmaster.monitor.facts.ledgerreading import LedgerReading
from stationmaster.monitor.facts.missing import FactsNotHereError
from stationmaster.step.protocol import OutputRef, ResultStatus, StepResult
from stationmaster.step.settings import Settings
from tests.ledger.attempts import record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stationmaster.ledger.store import Ledger

DAY = dt.date(2011, 11, 21)
NOW = dt.datetime(2011, 11, 22, 7, 0, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda each: (
        st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=9), each, max_size=3)
    ),
    max_leaves=8,
)


@pytest.fixture(name="reading")
def _reading(uri: str) -> Iterator[LedgerReading]:
    reading = LedgerReading(uri)
    yield reading
    reading.close()


def write(ledger: Ledger, step: str = "extract_web", **known: Any) -> None:  # noqa: ANN401 (fields)
    """Record an attempt of the morning that went well, or as it is said."""
    told: dict[str, Any] = {
        "pipeline": "morning",
        "step": step,
        "run_id": "r1",
        "try_id": f"{step}-1",
        "business_date": DAY,
        "queued_at": NOW - 30 * MINUTE,
        "started_at": NOW - 29 * MINUTE,
        "finished_at": NOW - 25 * MINUTE,
        "recorded_at": NOW - 25 * MINUTE,
        "verdict": "succeeded",
    }
    ledger.record(record(**told | known))


def seen(reading: LedgerReading, now: dt.datetime = NOW) -> LedgerFacts:
    """Return the facts of a look."""
    reading.refresh()
    return LedgerFacts(now, reading)


def test_what_was_recorded_since_the_last_look_is_taken_up(
    ledger: Ledger, reading: LedgerReading
) -> None:
    """Once a pipeline is read, only what is new is read; an end replaces what went on."""
    write(ledger, verdict=None, finished_at=None, recorded_at=NOW - 29 * MINUTE)
    (first,) = seen(reading).attempts("morning")
    write(ledger)
    write(ledger, "report", recorded_at=NOW - 20 * MINUTE)

    after = seen(reading)

    assert first.verdict is None
    assert {each.step: each.verdict for each in after.attempts("morning")} == {
        "extract_web": "succeeded",
        "report": "succeeded",
    }
    assert after.pipelines == ("morning",)


def test_a_look_at_a_moment_of_the_past_knows_nothing_later(
    ledger: Ledger, reading: LedgerReading
) -> None:
    """What ended later goes on, with nothing of its end known; what began later is not there."""
    write(ledger, result=StepResult(status=ResultStatus.DONE, figures={"web_orders/revenue": 1.0}))
    write(ledger, "report", queued_at=NOW, started_at=NOW, finished_at=NOW + MINUTE)

    (then,) = seen(reading, NOW - 27 * MINUTE).attempts("morning")

    assert (then.step, then.verdict, then.finished_at, then.figures) == (
        "extract_web",
        None,
        None,
        {},
    )


def test_what_a_step_wrote_and_said_is_read_from_its_result(
    ledger: Ledger, reading: LedgerReading
) -> None:
    """Partitions, figures and notes, without a table being opened."""
    output = OutputRef(dataset="web_orders", business_date=DAY, rows=1067, quarantined_rows=3)
    write(
        ledger,
        result=StepResult(
            status=ResultStatus.DONE,
            outputs=(output,),
            figures={"web_orders/revenue": 20.5},
            notes=("all well",),
        ),
    )

    (mine,) = seen(reading).attempts("morning")

    assert [(each.dataset, each.rows, each.quarantined_rows) for each in mine.outputs] == [
        ("web_orders", 1067, 3)
    ]
    assert mine.figures == {"web_orders/revenue": 20.5}
    assert mine.notes == ("all well",)


def test_old_days_that_run_now_are_there_and_old_days_that_ran_then_are_not(
    ledger: Ledger, reading: LedgerReading
) -> None:
    """A catch-up of last year fails today; last year's own runs are nobody's concern."""
    old = DAY - dt.timedelta(days=400)
    write(ledger, "caught_up", business_date=old)
    write(ledger, "long_ago", business_date=old, recorded_at=NOW - dt.timedelta(days=399))

    assert [each.step for each in seen(reading).attempts("morning")] == ["caught_up"]


def test_a_ledger_that_nobody_made_is_not_here(tmp_path: Path) -> None:
    """On a fresh laptop there is nothing to look at: that is neither clear nor unknown."""
    reading = LedgerReading(f"sqlite:///{tmp_path}/none.db")

    with pytest.raises(FactsNotHereError):
        reading.refresh()


def test_a_ledger_that_does_not_answer_makes_checks_unknown_and_names_no_password() -> None:
    """Unknown closes nothing; the message may be shown to anybody."""
    settings = Settings(ledger_uri="postgresql://me:secret@127.0.0.1:1/ledger")
    with Gathering(settings) as gathering:
        look = look_at(gathering.facts(NOW), (*PIPELINE, *BUSINESS))

    asked = [each for each in look.checks if each.why]
    assert {each.outcome for each in asked} == {Outcome.UNKNOWN}
    assert "does not answer" in asked[0].why
    assert "secret" not in "".join(each.why for each in look.checks)


def test_lineage_is_known_while_the_ledger_is_away() -> None:
    """What stands on a dead database is grouped although nobody can ask it."""
    with Gathering(Settings(ledger_uri="postgresql://me@127.0.0.1:1/ledger")) as gathering:
        lineage = gathering.facts(NOW).lineage

    assert any(each.name == "web_orders" for each in lineage.causes)


def test_a_look_asks_by_index(uri: str, ledger: Ledger) -> None:
    """Neither question reads the whole table, however large it is."""
    write(ledger)
    engine = make_engine(uri)
    questions = (
        "pipeline = 'morning' AND business_date >= '2011-08-01'",
        "pipeline = 'morning' AND recorded_at >= '2011-11-08'",
        "recorded_at >= '2011-11-22' AND pipeline IN ('morning')",
    )
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET enable_seqscan = off")
        plan = "EXPLAIN " if engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
        for each in questions:
            query = sa.text(f"{plan} SELECT try_id FROM attempt WHERE {each}")  # noqa: S608 (ours)
            told = " ".join(str(row) for row in connection.execute(query))
            assert "attempt_" in told
            assert "Seq Scan" not in told
    engine.dispose()


@settings(deadline=None)
@given(JSON)
def test_a_result_of_any_shape_is_read(result: object) -> None:
    """A foreign image may write anything: what cannot be used is left out."""
    made = attempt_of(
        {
            "pipeline": "p",
            "step": "s",
            "run_id": "r",
            "business_date": DAY,
            "recorded_at": NOW,
            "result": {"outputs": result, "figures": result, "notes": result, "error": result},
        }
    )

    assert isinstance(made, Attempt)
    assert all(isinstance(each, float) for each in made.figures.values())
