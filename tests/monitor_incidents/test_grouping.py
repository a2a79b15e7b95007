"""Findings become incidents by their cause: one late source, not nine late tables."""

from __future__ import annotations

import datetime as dt

from stationmaster.monitor.checks.finding import Severity
from stationmaster.monitor.incidents.events import EventKind
from tests.monitor_incidents.situations import (
    CUSTOMERS,
    DATABASE,
    DAY,
    ELSEWHERE,
    EXTRACT,
    LATE,
    MINUTE,
    NOW,
    ORDERS,
    REPORT,
    WEB,
    Days,
    a_check,
    found,
)

DOWN = a_check("database-unreachable")


def kinds(events: object) -> list[EventKind]:
    """Return what happened, by kind."""
    return [each.kind for each in events]  # type: ignore[attr-defined]


def test_nine_late_tables_of_one_late_source_are_one_incident() -> None:
    """The incident is the source's; all that comes of it belongs there."""
    days = Days()
    events = days.look(*[found(each) for each in (REPORT, CUSTOMERS, ORDERS, EXTRACT, WEB)])
    assert days.open == [f"late {WEB} {DAY}"]
    assert len(days.members(days.open[0])) == 5
    assert kinds(events) == [EventKind.OPENED]
    assert "And 1 more." in events[0].sentence


def test_a_cause_that_is_found_later_takes_the_incident_over() -> None:
    """The number stays, the title changes, and nothing is opened twice."""
    days = Days()
    days.look(found(REPORT))
    number = days.standing.incidents[0].id
    events = days.look(found(REPORT), found(WEB), minute=5)
    assert [each.id for each in days.standing.incidents] == [number]
    assert days.open == [f"late {WEB} {DAY}"]
    assert kinds(events) == [EventKind.CAUSE_CHANGED]
    assert "Its cause is known now: web is late." in events[0].sentence


def test_what_is_gone_as_a_whole_keeps_its_title() -> None:
    """Findings clear one after the other; nobody is told of a new cause of what is over."""
    days = Days()
    quick = a_check("quick", clear_after=1)
    slow = a_check("slow", clear_after=5)
    days.checks = (quick, slow)
    one, other = found(WEB, quick), found(ORDERS, slow)
    days.look(one, other)
    days.look(minute=1)

    (cleared,), (over,) = days.look(minute=2), days.look(minute=7)

    assert (cleared.kind, over.kind) == (EventKind.LESSENED, EventKind.CLOSED)
    assert over.sentence == "It is over: web is late."


def test_what_comes_of_an_open_incident_joins_it_at_once() -> None:
    """Parts that crash while a database is away are no incidents of their own when it is back."""
    days = Days()
    slow = a_check("slow", hold=3)
    days.checks = (a_check("late", clear_after=2), slow)
    days.look(found(DATABASE, business_date=None))
    late = found(ORDERS, slow, business_date=None)

    days.look(late, minute=1)
    for minute in (2, 3, 4, 5):
        days.look(late, minute=minute)

    assert len(days.open) == 1
    assert EventKind.CLOSED in kinds(days.look(minute=6))


def test_what_was_over_before_a_cause_began_did_not_come_of_it() -> None:
    """An incident that only waits for its end is not taken over by what breaks meanwhile."""
    days = Days(a_check("late", clear_after=20))
    days.look(found(ORDERS, business_date=None))
    days.look(minute=1)

    later = found(DATABASE, business_date=None, since=NOW + 5 * MINUTE)
    days.look(later, minute=5)

    assert days.open == [f"late {ORDERS}", f"late {DATABASE}"]


def test_a_cause_of_two_incidents_makes_them_one() -> None:
    """The older goes on, and the other one is closed and says where it goes on."""
    days = Days()
    one = a_check("stale")
    days.checks = (LATE, one)
    days.look(found(ORDERS))
    days.look(found(ORDERS), found(EXTRACT, one, business_date=None, since=NOW), minute=1)
    assert len(days.open) == 1
    days.look(found(ORDERS), found(ELSEWHERE), minute=2)
    events = days.look(
        found(ORDERS), found(ELSEWHERE), found(DATABASE, business_date=None), minute=3
    )
    assert EventKind.MERGED in kinds(events)
    assert days.open == [f"late {DATABASE}"]


def test_two_causes_are_two_incidents_and_what_comes_of_both_goes_with_the_older() -> None:
    """Nothing is told twice, and nothing is lost."""
    days = Days()
    app = found(DATABASE, business_date=None, since=NOW - 2 * MINUTE)
    days.look(found(EXTRACT, since=NOW - MINUTE), found(REPORT), app)
    assert days.open == [f"late {DATABASE}"]
    other = Days()
    other.look(found(WEB, since=NOW - MINUTE), found(ELSEWHERE), found(REPORT))
    assert len(other.open) == 2
    assert f"late {REPORT} {DAY}" in other.members(f"late {WEB} {DAY}")


def test_what_mends_itself_is_no_alert() -> None:
    """A finding opens an incident only after it has stood as long as its check asks."""
    days = Days(a_check("late", hold=2))
    assert days.look(found(WEB)) == []
    assert days.look(found(WEB), minute=1) == []
    assert days.look(minute=1.5) == []
    assert days.look(found(WEB), minute=2) == []
    assert kinds(days.look(found(WEB), minute=4)) == [EventKind.OPENED]


def test_a_cause_does_not_wait_longer_than_its_effects() -> None:
    """What explains an incident is its title at once, also before its own time is over."""
    days = Days(LATE, a_check("slow", hold=10))
    days.look(found(REPORT), found(WEB, days.checks[1]))
    assert days.open == [f"slow {WEB} {DAY}"]


def test_an_incident_closes_when_all_of_it_is_gone_long_enough() -> None:
    """It says that nothing is found, and closes when that has stayed so."""
    days = Days(a_check("late", clear_after=5))
    days.look(found(WEB), found(REPORT))
    assert kinds(days.look(found(REPORT), minute=1)) == []
    assert kinds(days.look(minute=2)) == [EventKind.GONE]
    assert kinds(days.look(minute=6)) == [EventKind.LESSENED]
    assert kinds(days.look(minute=7)) == [EventKind.CLOSED]
    assert days.open == []


def test_a_cause_that_is_over_stays_the_title_while_its_effects_mend() -> None:
    """The source has delivered and the report is still late: it is late because of the source."""
    days = Days()
    days.look(found(WEB), found(REPORT))
    assert days.look(found(REPORT), minute=3) == []
    assert days.open == [f"late {WEB} {DAY}"]
    assert days.standing.incidents[0].finding.next_action == "Look at morning_report."
    assert kinds(days.look(minute=9)) == [EventKind.CLOSED]
    assert days.events[-1].sentence == "It is over: web is late."


def test_what_is_left_an_hour_after_the_cause_is_the_title() -> None:
    """Whoever reads the incident sees that it did not mend by itself."""
    days = Days()
    days.look(found(DATABASE, business_date=None), found(EXTRACT))
    days.look(found(EXTRACT), minute=3)
    events = days.look(found(EXTRACT), minute=63)
    assert days.open == [f"late {EXTRACT} {DAY}"]
    assert "No longer: db:5432 is late. What is left" in events[0].sentence


def test_what_breaks_after_infrastructure_is_mended_broke_for_another_reason() -> None:
    """A database that was away at ten is not why a step fails at half past."""
    days = Days()
    down = found(DATABASE, business_date=None)
    days.look(down, found(EXTRACT))
    days.look(found(EXTRACT), minute=2)
    days.look(found(EXTRACT), found(ELSEWHERE), minute=30)
    assert len(days.open) == 2


def test_what_flaps_is_one_incident() -> None:
    """Within half an hour the same incident is opened again, and closes later each time."""
    days = Days()
    days.look(found(WEB))
    days.look(minute=1)
    assert days.open == []
    assert kinds(days.look(found(WEB), minute=20)) == [EventKind.REOPENED]
    days.look(minute=21)
    assert kinds(days.look(minute=30)) == []
    assert kinds(days.look(minute=31)) == [EventKind.CLOSED]
    assert kinds(days.look(found(WEB), minute=90)) == [EventKind.OPENED]


def test_a_look_that_saw_nothing_closes_nothing() -> None:
    """Unknown is not clear; and a check that was not due changes nothing either."""
    days = Days()
    days.look(found(WEB))
    assert days.look(minute=5, unknown=["late"]) == []
    assert days.open == [f"late {WEB} {DAY}"]


def test_what_a_check_found_that_is_no_more_is_gone() -> None:
    """A check that a release removes leaves no incident open for ever."""
    days = Days(LATE, DOWN)
    days.look(found(WEB))
    days.checks = (DOWN,)
    assert kinds(days.look(minute=1)) == [EventKind.CLOSED]


def test_a_worse_finding_raises_the_severity_and_calls_again() -> None:
    """Who acknowledged a warning has not said that he looks after what is critical."""
    days = Days()
    days.look(found(WEB))
    events = days.look(found(WEB, severity=Severity.CRITICAL), minute=1)
    assert kinds(events) == [EventKind.WORSENED]
    assert days.standing.incidents[0].severity is Severity.CRITICAL
    assert kinds(days.look(found(WEB), minute=2)) == [EventKind.EASED]


def test_the_same_with_another_day_goes_on_in_the_same_incident() -> None:
    """A source that is late for a week is one incident, and each day is told."""
    days = Days()
    days.look(found(WEB))
    tomorrow = DAY + dt.timedelta(days=1)
    events = days.look(found(WEB), found(WEB, business_date=tomorrow), minute=60 * 24)
    assert kinds(events) == [EventKind.AGAIN]
    assert len(days.open) == 1


def test_other_days_are_other_troubles() -> None:
    """A report of one day does not come of a source of another day."""
    days = Days()
    days.look(found(WEB), found(REPORT, business_date=DAY - dt.timedelta(days=3)))
    assert len(days.open) == 2


def test_what_is_only_good_to_know_makes_no_incident() -> None:
    """It is kept and shown; and explains nothing."""
    days = Days()
    assert days.look(found(WEB, severity=Severity.INFO)) == []
    assert len(days.standing.findings) == 1
    days.look(found(WEB, severity=Severity.INFO), found(REPORT), minute=1)
    assert days.open == [f"late {REPORT} {DAY}"]


def test_what_was_foretold_and_came_true_is_one_incident() -> None:
    """A trend of a step, and what names the step as its cause, are one trouble."""
    days = Days()
    trend = found(REPORT, business_date=None, foretold=True)
    days.look(trend)
    days.look(trend, found(WEB, business_date=None, caused_by=(REPORT,)), minute=30)

    assert days.open == [f"late {REPORT}"]


def test_what_is_foretold_explains_nothing_that_has_happened() -> None:
    """A disk that will be full tomorrow is not why a payload broke its contract today."""
    days = Days()
    filling = found(DATABASE, business_date=None, foretold=True)
    days.look(filling, found(EXTRACT))
    assert len(days.open) == 2


def test_what_began_long_before_a_cause_did_not_come_of_it() -> None:
    """An old incident is not swallowed by a database that is away for a minute."""
    days = Days()
    days.look(found(EXTRACT))
    late = NOW + 120 * MINUTE
    days.look(found(EXTRACT), found(DATABASE, business_date=None, since=late), minute=120)
    assert len(days.open) == 2


def test_a_cause_that_the_check_itself_knows_is_believed() -> None:
    """Where the graph of jobs knows nothing, a finding may name why."""
    days = Days()
    days.look(found(WEB), found(ELSEWHERE, caused_by=(WEB,)))
    assert days.open == [f"late {WEB} {DAY}"]
