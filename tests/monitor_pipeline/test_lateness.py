"""Late is what was asked for and is not there; what nobody asked for is not late."""

from __future__ import annotations

import datetime as dt

import pytest

from stationmaster.monitor.checks.finding import Severity, Subject, SubjectKind
from stationmaster.monitor.checks.pipeline.lateness import deadline_at_risk, run_late
from stationmaster.monitor.facts.airflow import AirflowPipeline, AirflowRun
from stationmaster.monitor.testing import FakeAirflow
from tests.monitor_pipeline.morningstory import DAY, LONDON, PIPELINE, MorningStory, at

BEFORE = DAY - dt.timedelta(days=1)


def story(clock: str = "06:50", days: int = 5) -> MorningStory:
    """Return a week that went well up to the day before, at a moment of this morning."""
    told = MorningStory(at(DAY, clock))
    told.mornings(BEFORE, days)
    return told


def airflow_run(day: dt.date, queued: dt.datetime) -> AirflowRun:
    """Return a run that Airflow made for a business date."""
    return AirflowRun(
        pipeline=PIPELINE,
        run_id=f"scheduled__{day}",
        state="running",
        kind="scheduled",
        run_after=at(day, "06:00"),
        interval_end=at(day, "06:00"),
        queued_at=queued,
    )


def cluster(told: MorningStory, *runs: AirflowRun, paused: bool = False) -> None:
    """Let the story be on a cluster whose Airflow has made some runs."""
    told.monitoring = told.monitoring.model_copy(update={"always_on": True})
    told.airflow = FakeAirflow()
    told.airflow.known = [
        AirflowPipeline(
            name=PIPELINE, paused=paused, next_run_after=at(DAY + dt.timedelta(days=1), "06:00")
        )
    ]
    told.airflow.open_runs = list(runs)


def test_a_run_that_is_not_done_when_it_is_due_is_late_and_says_why() -> None:
    """The finding names product, since when, who waits, what failed and the verdict's own hint."""
    told = story()
    told.extract("web", DAY, rows=1000)
    told.attempt(
        PIPELINE,
        "extract_app",
        DAY,
        at(DAY, "06:01"),
        error={"got": "a field is gone", "hint": "Map it."},
    )

    (found,) = told.found_by(run_late)

    assert found.subject == Subject(SubjectKind.PIPELINE, PIPELINE)
    assert found.severity is Severity.CRITICAL
    assert found.since == at(DAY, "06:35")
    assert found.business_date == DAY
    assert found.affected == ("management",)
    assert found.owner == "analytics"
    assert found.what == (
        "The morning report of Mon 21 Nov is not up; it was due at 06:35. "
        "extract_app failed: a field is gone."
    )
    assert found.next_action == "Map it."


def test_it_is_late_from_the_minute_it_is_due_until_it_is_done() -> None:
    """Neither a minute before, nor once the last of its products is published."""
    told = story("06:34")
    told.extract("web", DAY, rows=1000)

    assert told.found_by(run_late) == []
    told.now = at(DAY, "06:35")
    assert len(told.found_by(run_late)) == 1
    told.report(DAY, rows=1000, clock="06:50")
    told.now = at(DAY, "06:53")
    assert told.found_by(run_late) == []


def test_a_laptop_that_was_off_is_not_late() -> None:
    """Nothing ran because nobody asked; what is run by hand in the afternoon is not late either."""
    told = story("15:00")
    assert told.found_by(run_late) == []

    told.attempt(PIPELINE, "extract_web", DAY, at(DAY, "14:50"), seconds=None)

    assert told.found_by(run_late) == []


def test_old_days_that_are_caught_up_are_not_late() -> None:
    """Runs of many old days, made together long after they were due, are no alarms."""
    told = MorningStory(at(DAY, "09:00"))
    days = [DAY - dt.timedelta(days=n) for n in range(5)]
    for day in days:
        told.attempt(PIPELINE, "extract_web", day, at(DAY, "08:55"), seconds=None)
    cluster(told, *(airflow_run(day, at(DAY, "08:54")) for day in days))

    assert told.found_by(run_late) == []


def test_a_paused_pipeline_owes_nothing() -> None:
    """Who paused it knows that it does not run."""
    told = story()
    cluster(told, paused=True)
    assert told.airflow is not None
    told.airflow.known[0] = AirflowPipeline(
        name=PIPELINE, paused=True, next_run_after=at(DAY, "06:00")
    )

    assert told.found_by(run_late) == []


def test_a_run_that_the_scheduler_never_made_is_late() -> None:
    """On a cluster a day is late also where nothing of it began: the scheduler owes its run."""
    told = story()
    cluster(told)
    assert told.airflow is not None
    told.airflow.known[0] = AirflowPipeline(name=PIPELINE, next_run_after=at(DAY, "06:00"))

    (found,) = told.found_by(run_late)

    assert "No step of its run has begun" in found.what


def test_a_pipeline_that_begins_years_ago_owes_nothing_of_today() -> None:
    """It was just unpaused, and its next run is of 2011: today's is not asked for yet."""
    told = story()
    cluster(told)
    assert told.airflow is not None
    told.airflow.known = [
        AirflowPipeline(name=PIPELINE, next_run_after=at(DAY - dt.timedelta(days=400), "06:00"))
    ]

    assert told.found_by(run_late) == []


def test_a_run_that_waits_for_its_sources_is_late_without_any_step() -> None:
    """A run that was asked for in time and has no attempt yet is late by Airflow's word."""
    told = story()
    cluster(told, airflow_run(DAY, at(DAY, "06:00")))

    assert len(told.found_by(run_late)) == 1


def test_a_run_made_too_late_on_its_own_is_late() -> None:
    """The scheduler was away from six to seven: the day it makes up for is late all the same."""
    told = story("07:10")
    told.attempt(PIPELINE, "extract_web", DAY, at(DAY, "07:01"), seconds=None)
    cluster(told, airflow_run(DAY, at(DAY, "07:00")))

    assert len(told.found_by(run_late)) == 1


@pytest.mark.parametrize("day", [dt.date(2011, 3, 26), dt.date(2011, 10, 29)])
def test_a_clock_change_makes_nothing_late(day: dt.date) -> None:
    """On the mornings after the clocks changed, 06:34 is in time and 06:36 is late."""
    told = MorningStory(dt.datetime.combine(day + dt.timedelta(days=1), dt.time(6, 34), LONDON))
    told.extract("web", day, rows=1000)

    assert told.found_by(run_late) == []
    told.now += dt.timedelta(minutes=2)
    assert len(told.found_by(run_late)) == 1


def test_a_day_known_to_have_no_data_is_not_late() -> None:
    """The calendar says so."""
    told = story()
    told.extract("web", DAY, rows=1000)
    told.monitoring = told.monitoring.model_validate(
        {**told.monitoring.model_dump(), "calendar": [{"date": DAY, "kind": "no-data"}]}
    )

    assert told.found_by(run_late) == []


def test_a_run_that_will_be_late_is_told_before() -> None:
    """An extract that takes five times as long: the chance, the step, and when it will be up."""
    told = story("06:29", days=20)
    told.attempt(PIPELINE, "extract_web", DAY, at(DAY, "06:00"), seconds=None)
    told.extract("app", DAY, rows=1000, minute=1)

    (found,) = told.found_by(deadline_at_risk)

    assert found.foretold
    assert found.step in {"extract_web", "report"}
    assert found.expected == "done by 06:35"
    assert found.evidence["past_runs"] == 20


def test_a_run_that_goes_as_usual_is_not_at_risk() -> None:
    """Neither while it goes, nor when it is done, nor without enough past."""
    told = story("06:03", days=20)
    told.attempt(PIPELINE, "extract_web", DAY, at(DAY, "06:00"), seconds=None)
    assert told.found_by(deadline_at_risk) == []

    young = story("06:33", days=3)
    young.attempt(PIPELINE, "extract_web", DAY, at(DAY, "06:00"), seconds=None)
    assert young.found_by(deadline_at_risk) == []
