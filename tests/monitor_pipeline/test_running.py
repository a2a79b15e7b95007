"""Steps that hang, fail, are left out or need too many tries are told, each once."""

from __future__ import annotations

import datetime as dt

from stationmaster.monitor.checks.finding import Severity
from stationmaster.monitor.checks.pipeline.contracts import contract_broken, contract_changed
from stationmaster.monitor.checks.pipeline.retrying import step_retrying
from stationmaster.monitor.checks.pipeline.running import (
    run_stuck,
    step_failed,
    step_skipped,
)
from stationmaster.monitor.facts.airflow import AirflowRun, AirflowTask
from stationmaster.monitor.testing import FakeAirflow
from tests.monitor_pipeline.morningstory import DAY, PIPELINE, MorningStory, at

BEFORE = DAY - dt.timedelta(days=1)
GONE = {"got": "`customer_id` is gone", "expected": "a number", "hint": "Map the field."}


def story(clock: str = "07:00", days: int = 8) -> MorningStory:
    """Return mornings that went well up to the day before."""
    told = MorningStory(at(DAY, clock))
    told.mornings(BEFORE, days)
    return told


def test_a_step_that_runs_far_longer_than_ever_is_stuck() -> None:
    """It took four minutes at most: after half an hour it is stuck, not before."""
    told = story("06:29")
    told.attempt(PIPELINE, "extract_web", DAY, at(DAY, "06:00"), seconds=None)

    assert told.found_by(run_stuck) == []
    told.now = at(DAY, "06:31")
    (found,) = told.found_by(run_stuck)
    assert found.subject.name == "morning/extract_web"
    assert found.since == at(DAY, "06:30")
    assert "never took more than 4 min" in found.what


def test_a_step_without_a_past_may_take_hours() -> None:
    """Nobody knows how long it takes, so nobody is told after half an hour."""
    told = MorningStory(at(DAY, "08:00"))
    told.attempt(PIPELINE, "extract_web", DAY, at(DAY, "06:00"), seconds=None)

    assert told.found_by(run_stuck) == []
    told.now = at(DAY, "09:01")
    assert len(told.found_by(run_stuck)) == 1


def test_a_step_that_waits_to_start_is_not_stuck() -> None:
    """Why it has no place yet is told by the checks of infrastructure."""
    told = story("09:00")
    told.attempt(PIPELINE, "extract_web", DAY, at(DAY, "06:00"), seconds=None, started_at=None)

    assert told.found_by(run_stuck) == []


def test_a_failure_that_nobody_repeats_is_told_with_its_verdict() -> None:
    """The verdict's own sentence and hint are the finding's."""
    told = story("06:40")
    told.attempt(PIPELINE, "extract_web", DAY, at(DAY, "06:00"), error=GONE)

    (found,) = told.found_by(step_failed)

    assert "extract_web failed for Mon 21 Nov: `customer_id` is gone." in found.what
    assert found.next_action == (
        "Map the field. No try is left: when it is mended, clear extract_web."
    )
    assert found.severity is Severity.CRITICAL
    assert (found.expected, found.got) == ("a number", "`customer_id` is gone")


def test_a_failure_that_is_tried_again_is_not_told_yet() -> None:
    """As long as Airflow will try again, and for the longest pause where nobody can be asked."""
    told = story("06:10")
    told.attempt(PIPELINE, "extract_web", DAY, at(DAY, "06:00"), error=GONE)
    assert told.found_by(step_failed) == []

    told.airflow = FakeAirflow()
    assert len(told.found_by(step_failed)) == 1
    again = AirflowTask(
        pipeline=PIPELINE, run_id=f"scheduled__{DAY}", step="extract_web", state="up_for_retry"
    )
    told.airflow.open_tasks = [again]
    assert told.found_by(step_failed) == []


def test_what_was_tried_again_and_went_well_is_no_failure() -> None:
    """Not within the same run, and not by another run of the same day."""
    told = story("09:00")
    told.attempt(PIPELINE, "extract_web", DAY, at(DAY, "06:00"), error=GONE)
    told.attempt(PIPELINE, "extract_web", DAY, at(DAY, "06:05"), try_number=2)
    told.attempt(PIPELINE, "extract_app", DAY, at(DAY, "06:00"), error=GONE)
    told.attempt(PIPELINE, "extract_app", DAY, at(DAY, "06:30"), run_id="manual__1")

    assert told.found_by(step_failed) == []


def test_what_people_ended_is_no_failure() -> None:
    """Who clears or stops a task knows it."""
    told = story("09:00")
    told.attempt(
        PIPELINE, "extract_web", DAY, at(DAY, "06:00"), error=GONE, verdict="killed_by_user"
    )

    assert told.found_by(step_failed) == []


def test_a_part_that_failed_fails_the_step_by_its_own_reason() -> None:
    """Its sisters were stopped because of it: they are not why."""
    told = story("09:00")
    told.attempt(PIPELINE, "extract_web", DAY, at(DAY, "06:00"), error=GONE, shard=0, shards=2)
    told.attempt(
        PIPELINE,
        "extract_web",
        DAY,
        at(DAY, "06:01"),
        error={"got": "stopped"},
        verdict="stopped",
        shard=1,
        shards=2,
    )

    (found,) = told.found_by(step_failed)

    assert "`customer_id` is gone" in found.what


def test_a_failure_of_an_old_day_wakes_nobody() -> None:
    """What is caught up fails by day: a warning; what nobody mended for a week is no news."""
    told = story("09:00")
    old = DAY - dt.timedelta(days=60)
    told.attempt(PIPELINE, "extract_web", old, at(DAY, "08:00"), error=GONE)

    (found,) = told.found_by(step_failed)
    assert found.severity is Severity.WARNING
    told.now += dt.timedelta(days=8)
    assert told.found_by(step_failed) == []


def test_a_step_that_was_left_out_is_told() -> None:
    """The report was made without one of the extracts that always ran."""
    told = story("07:30")
    told.morning(DAY, skip=("extract_app",))

    (found,) = told.found_by(step_skipped)

    assert found.step == "extract_app"
    assert found.business_date == DAY


def test_a_step_that_is_still_to_come_is_not_left_out() -> None:
    """While the run has not reached its end, and for as long as it may still be tried."""
    told = story("07:30")
    told.morning(DAY, skip=("extract_app", "report"))

    assert told.found_by(step_skipped) == []


def test_a_step_that_airflow_has_left_out_is_told_at_once() -> None:
    """Its run is over by Airflow's word: nothing comes any more, although its last step is gone."""
    told = story("06:15")
    told.morning(DAY, skip=("report",))
    told.airflow = FakeAirflow()
    ended = at(DAY, "06:05")
    (run,) = [each for each in told.facts().ledger.runs[PIPELINE] if each.business_date == DAY]
    told.airflow.over = [
        AirflowRun(
            pipeline=PIPELINE,
            run_id=run.run_id,
            state="success",
            kind="scheduled",
            run_after=at(DAY, "06:00"),
            ended_at=ended,
        )
    ]

    (found,) = told.found_by(step_skipped)

    assert (found.step, found.since) == ("report", run.steps["extract_app"].ended_at)
    assert found.next_action.startswith("Clear report in Airflow")


def test_a_step_that_needs_more_tries_than_it_used_to_is_told() -> None:
    """Four of the last five runs failed at first; none before did."""
    told = story("12:00", days=15)
    for back in range(4):
        day = DAY - dt.timedelta(days=back)
        told.attempt(
            PIPELINE, "extract_web", day, at(day, "05:50"), error=GONE, seconds=60, try_number=1
        )
    told.morning(DAY)

    (found,) = told.found_by(step_retrying)

    assert found.step == "extract_web"
    assert "4 more tries in its last 5 runs" in found.what
    assert found.next_action.startswith("Map the field. Nothing is lost yet")


def test_one_retry_and_a_lost_node_are_no_habit() -> None:
    """What the infrastructure did is not the step's; one retry is what retries are for."""
    told = story("12:00", days=15)
    told.attempt(PIPELINE, "extract_web", DAY, at(DAY, "05:40"), error=GONE)
    for minute in range(50, 58):
        told.attempt(
            PIPELINE,
            "extract_web",
            DAY,
            at(DAY, f"05:{minute}"),
            seconds=10,
            error={"got": "the node is gone"},
            verdict="node_lost",
        )
    told.morning(DAY)

    assert told.found_by(step_retrying) == []


def test_a_broken_promise_is_the_sources() -> None:
    """Source, endpoint, field, since when, what to do; and the step's failure is not told twice."""
    told = story("06:10")
    told.attempt(
        PIPELINE,
        "extract_web",
        DAY,
        at(DAY, "06:00"),
        verdict="contract_broken",
        error={
            "where": "web orders-000.jsonl.gz of 2011-11-21 (source web, endpoint orders)",
            "expected": "`session_id` (string)",
            "got": "`session_id` is gone, first seen 2011-11-21T08:26:00Z (line 1)",
            "hint": "Map the field.",
        },
    )

    (found,) = told.found_by(contract_broken)

    assert str(found.subject) == "source:web"
    assert found.what.startswith("The source web (orders) broke its contract for ")
    assert found.since == dt.datetime(2011, 11, 21, 8, 26, tzinfo=dt.UTC)
    assert found.affected == ("management",)
    assert found.owner == "web shop"
    assert found.expected == "`session_id` (string)"
    assert told.found_by(step_failed) == []


def test_a_dataset_that_breaks_its_contract_is_named() -> None:
    """Where the error is about what the step writes, the dataset is what is wrong."""
    told = story("06:10")
    told.attempt(
        PIPELINE,
        "extract_web",
        DAY,
        at(DAY, "06:00"),
        verdict="contract_broken",
        error={"where": "dataset web_orders 2011-11-21", "got": "9 % bad rows", "hint": "Look."},
    )

    (found,) = told.found_by(contract_broken)

    assert str(found.subject) == "dataset:web_orders"


def test_what_a_source_adds_is_good_to_know() -> None:
    """It is shown, wakes nobody, and is gone once the source sends it no more."""
    told = story()
    note = "web orders.jsonl: `coupon` is new in 300 of 300 records; it is not read"
    told.attempt(PIPELINE, "extract_web", DAY, at(DAY, "06:00"), notes=("all well", note))

    (found,) = told.found_by(contract_changed)

    assert found.severity is Severity.INFO
    assert "`coupon` is new" in found.what
    told.attempt(PIPELINE, "extract_web", DAY, at(DAY, "06:50"), seconds=1)
    assert told.found_by(contract_changed) == []
