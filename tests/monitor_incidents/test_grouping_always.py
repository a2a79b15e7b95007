"""Whatever is found, in whatever order, for however long: what always holds of incidents."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import hypothesis.strategies as st
from hypothesis import HealthCheck, given, settings

from stationmaster.monitor.checks.finding import Severity
from stationmaster.monitor.incidents.events import EventKind
from stationmaster.monitor.incidents.grouping import regrouped
from stationmaster.monitor.incidents.relating import Relations
from stationmaster.monitor.incidents.seeing import is_ripe
from tests.monitor_incidents.situations import (
    APP,
    CUSTOMERS,
    DATABASE,
    DAY,
    ELSEWHERE,
    EXTRACT,
    LINEAGE,
    MERGE,
    MINUTE,
    NOW,
    ORDERS,
    REPORT,
    WEB,
    Days,
    a_check,
    a_look,
    found,
)

if TYPE_CHECKING:
    from stationmaster.monitor.checks.finding import Finding
    from stationmaster.monitor.incidents.standing import Standing

CHECKS = (
    a_check("late"),
    a_check("slow", hold=3),
    a_check("flaps", clear_after=4),
    a_check("both", hold=2, clear_after=5),
)
SUBJECTS = (WEB, APP, EXTRACT, ORDERS, MERGE, CUSTOMERS, REPORT, DATABASE, ELSEWHERE)
SLOWLY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A machine that others use too makes up stories slowly."""

KNOWN = {each.name: each for each in CHECKS}

some_findings = st.lists(
    st.builds(
        lambda subject, check, dated, critical, foretold, since: found(
            subject,
            check,
            business_date=DAY if dated else None,
            severity=Severity.CRITICAL if critical else Severity.WARNING,
            foretold=foretold,
            since=NOW - since * MINUTE,
        ),
        st.sampled_from(SUBJECTS),
        st.sampled_from(CHECKS),
        st.booleans(),
        st.booleans(),
        st.sampled_from([False, False, False, True]),
        st.sampled_from([0, 1, 50]),
    ),
    max_size=7,
    unique_by=lambda each: str(each.key),
)


@dataclass
class Step:
    """Hold one look of a story."""

    findings: list[Finding]
    minutes: int
    unknown: list[str]


stories = st.lists(
    st.builds(
        Step,
        some_findings,
        st.sampled_from([1, 1, 2, 5, 40]),
        st.lists(st.sampled_from(sorted(KNOWN)), max_size=1),
    ),
    min_size=1,
    max_size=7,
)


def lived(story: list[Step]) -> tuple[Days, int]:
    """Live through a story; return the days, and the minute at which it ends."""
    days, minute = Days(*CHECKS), 0
    for step in story:
        minute += step.minutes
        days.look(*step.findings, minute=minute, unknown=step.unknown)
    return days, minute


@settings(SLOWLY, max_examples=150)
@given(stories)
def test_no_finding_stands_without_an_incident(story: list[Step]) -> None:
    """What has stood as long as its check asks belongs to an incident that is open."""
    days, minute = lived(story)
    opened = {each.id for each in days.standing.incidents if each.is_open}
    at = NOW + minute * MINUTE
    for each in days.standing.findings:
        if is_ripe(each, KNOWN[each.finding.check], at):
            assert each.incident_id in opened, each.key


@settings(SLOWLY, max_examples=150)
@given(stories)
def test_each_cause_has_one_incident(story: list[Step]) -> None:
    """What comes of one thing only is in that one's incident; no two incidents share a cause."""
    days, _ = lived(story)
    assert len(days.open) == len(set(days.open))
    mine = {each.key: each.incident_id for each in days.standing.findings if each.incident_id}
    relations = Relations(days.standing.findings, LINEAGE)
    for key, number in mine.items():
        roots = relations.roots_of(key)
        if len(roots) == 1:
            assert number == mine[roots[0]], key


@settings(SLOWLY, max_examples=150)
@given(stories)
def test_an_incident_is_open_as_long_as_something_of_it_counts(story: list[Step]) -> None:
    """It closes exactly when all of it has been gone long enough, and its cause is one of it."""
    days, _ = lived(story)
    for incident in days.standing.incidents:
        rows = [each for each in days.standing.findings if each.incident_id == incident.id]
        assert incident.is_open == bool(rows)
        if rows:
            assert incident.cause in {each.key for each in rows}
            assert (incident.gone_at is None) == any(each.gone_at is None for each in rows)


@settings(SLOWLY, max_examples=150)
@given(stories)
def test_looking_twice_changes_nothing(story: list[Step]) -> None:
    """The same look again makes no event, and leaves everything as it was."""
    days, minute = lived(story)
    before, last = days.standing, story[-1]
    assert days.look(*last.findings, minute=minute, unknown=last.unknown) == []
    assert days.standing == before


@settings(SLOWLY, max_examples=100)
@given(stories, st.integers())
def test_the_order_of_findings_does_not_matter(story: list[Step], seed: int) -> None:
    """Checks may answer in any order: the same stands, and the same has happened."""
    days, minute = lived(story[:-1])
    last = story[-1]
    at = NOW + (minute + last.minutes) * MINUTE
    shuffled = random.Random(seed).sample(last.findings, len(last.findings))  # noqa: S311 (an order)
    ends = [
        regrouped(
            a_look(*findings, at=at, checks=checks, unknown=last.unknown),
            days.standing,
            LINEAGE,
            KNOWN,
        )
        for findings, checks in ((last.findings, CHECKS), (shuffled, CHECKS[::-1]))
    ]
    assert ends[0] == ends[1]


@settings(SLOWLY, max_examples=100)
@given(stories)
def test_a_look_that_knows_nothing_changes_nothing(story: list[Step]) -> None:
    """Where no check could look, nothing is gone and nothing closes."""
    days, minute = lived(story)
    before = days.standing
    assert EventKind.CLOSED not in {
        each.kind for each in days.look(minute=minute + 100, unknown=list(KNOWN))
    }
    assert gone(days.standing) == gone(before)


def gone(standing: Standing) -> dict[str, object]:
    """Return since when each finding is gone."""
    return {each.key: each.gone_at for each in standing.findings}


@settings(SLOWLY, max_examples=60)
@given(stories)
def test_when_everything_is_well_again_every_incident_closes(story: list[Step]) -> None:
    """Nothing stays open for ever, and each incident that was opened was told to be over."""
    days, minute = lived(story)
    for later in (1, 70, 140, 210):
        days.look(minute=minute + later)
    assert days.open == []
    ends = {EventKind.CLOSED, EventKind.MERGED}
    starts = {EventKind.OPENED, EventKind.REOPENED}
    begun = [each.incident_id for each in days.events if each.kind in starts]
    over = [each.incident_id for each in days.events if each.kind in ends]
    assert sorted(begun) == sorted(over)
