"""Sources, datasets and reports that are not there in time, and reports that nobody can open."""

from __future__ import annotations

import datetime as dt

from stationmaster.monitor.checks.business.freshness import (
    dataset_stale,
    report_stale,
    report_unread,
    source_late,
)
from stationmaster.monitor.checks.finding import Severity
from stationmaster.monitor.checks.pipeline.lateness import run_late
from stationmaster.monitor.facts.published import Copy
from tests.monitor_pipeline.morningstory import DAY, PIPELINE, MorningStory, at

BEFORE = DAY - dt.timedelta(days=1)


def story(clock: str) -> MorningStory:
    """Return a week of good mornings; today web has not delivered, app has."""
    told = MorningStory(at(DAY, clock))
    told.mornings(BEFORE, 7)
    told.owes("web", DAY, "/landing/web/2011-11-21 has no _SUCCESS")
    told.attempt(PIPELINE, "extract_app", DAY, at(DAY, "05:20"), outputs={"app_orders": 900})
    return told


def test_one_late_source_explains_all_that_is_late_because_of_it() -> None:
    """Source, dataset, report and run are late; lineage leads each of them to the source."""
    told = story("06:40")
    lineage = told.facts().lineage

    (source,) = told.found_by(source_late)
    effects = [
        *told.found_by(dataset_stale),
        *told.found_by(report_stale),
        *told.found_by(run_late),
    ]

    assert [str(each.subject) for each in effects] == [
        "dataset:web_orders",
        "report:morning_report",
        "pipeline:morning",
    ]
    assert all(lineage.comes_of(each.subject, source.subject) for each in effects)
    assert {each.business_date for each in (source, *effects)} == {DAY}


def test_a_late_source_says_whom_to_ask_and_who_waits() -> None:
    """What is missing, since when, of whom, and that the run goes on by itself."""
    (found,) = story("06:00").found_by(source_late)

    assert "web has not delivered 2011-11-21; it was due at 05:30" in found.what
    assert found.next_action == (
        "Ask the web shop's team for 2011-11-21; the run waits and goes on by itself."
    )
    assert found.since == at(DAY, "05:30")
    assert found.affected == ("management",)
    assert found.owner == "web shop"
    assert found.severity is Severity.CRITICAL


def test_a_source_that_delivers_is_not_late_any_more() -> None:
    """Before it is due, and once it has delivered, nothing is found."""
    told = story("05:29")
    assert told.found_by(source_late) == []
    told.now = at(DAY, "05:31")
    assert len(told.found_by(source_late)) == 1
    told.delivers("web", DAY)
    assert told.found_by(source_late) == []


def test_nothing_is_stale_where_nobody_asked() -> None:
    """A laptop on which nothing ran today has late sources, datasets and reports of nobody."""
    told = MorningStory(at(DAY, "09:00"))
    told.mornings(BEFORE, 7)
    told.owes("web", DAY)

    for check in (source_late, dataset_stale, report_stale):
        assert told.found_by(check) == []


def test_a_report_that_is_not_up_says_what_readers_still_see() -> None:
    """They look at the day before, and should know."""
    (found,) = story("06:36").found_by(report_stale)

    assert found.what == (
        "The morning report of Mon 21 Nov is not up; it was due at 06:35. "
        "Readers still see Sun 20 Nov."
    )
    assert found.affected == ("management",)
    assert "morning/report" in found.next_action


def test_a_report_that_its_step_did_not_write_is_told_before_it_is_due() -> None:
    """The run says that it is done, and the report is not there: it is no late run."""
    told = MorningStory(at(DAY, "06:12"))
    told.mornings(BEFORE, 7)
    told.morning(DAY, skip=("report",))
    told.attempt(PIPELINE, "report", DAY, at(DAY, "06:10"))

    (found,) = told.found_by(report_stale)

    assert found.what.startswith("The morning report of Mon 21 Nov was not written: report ended")
    assert found.next_action.startswith("Clear report to write it again")
    told.now = at(DAY, "06:50")
    assert told.found_by(run_late) == []


def test_a_dataset_with_too_few_rows_is_stale_though_it_is_published() -> None:
    """An empty day is not there."""
    told = MorningStory(at(DAY, "06:30"))
    told.mornings(BEFORE, 7)
    told.attempt(PIPELINE, "extract_web", DAY, at(DAY, "06:00"), outputs={"web_orders": 0})
    told.attempt(PIPELINE, "extract_app", DAY, at(DAY, "06:00"), outputs={"app_orders": 5})

    (found,) = told.found_by(dataset_stale)

    assert found.subject.name == "web_orders"
    assert (found.expected, found.got) == ("at least 1 rows", "has 0 rows")


def test_a_report_that_readers_cannot_open_is_told() -> None:
    """Away, empty, or of another day: each is said as what readers get."""
    told = MorningStory(at(DAY, "07:00"))
    told.mornings(DAY, 7)
    assert told.found_by(report_unread) == []
    place = f"file:///reports/morning_report/{DAY}/report.json"

    for copy, word in (
        (Copy(found=False, why="no such file"), "no such file"),
        (Copy(found=True, text="", size=0), "the file is empty"),
        (Copy(found=True, text='{"business_date": "2011-11-20"}', size=9), "does not say 2011-11"),
    ):
        told.shelf.copies[place] = copy
        (found,) = told.found_by(report_unread)
        assert word in found.what
        assert place in found.next_action


def test_an_old_report_that_is_gone_is_nobodys_alarm() -> None:
    """What was published three days ago may have been cleared away."""
    told = MorningStory(at(DAY, "07:00"))
    told.mornings(DAY, 7)
    told.shelf.copies.clear()
    told.now = at(DAY, "07:00") + dt.timedelta(days=3)

    assert told.found_by(report_unread) == []
