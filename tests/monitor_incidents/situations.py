"""What tests of incidents share: checks, findings, and a lineage of three layers."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from stationmaster.monitor.checks.check import Check
from stationmaster.monitor.checks.finding import Finding, Layer, Severity, Subject, SubjectKind
from stationmaster.monitor.checks.looking import CheckLook, Look, Outcome
from stationmaster.monitor.incidents.grouping import regrouped
from stationmaster.monitor.incidents.standing import MEMORY, NOTHING, Standing
from stationmaster.monitor.lineage import Lineage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stationmaster.monitor.incidents.events import Event

NOW = dt.datetime(2011, 11, 22, 6, 40, tzinfo=dt.UTC)
DAY = dt.date(2011, 11, 21)
MINUTE = dt.timedelta(minutes=1)

WEB = Subject(SubjectKind.SOURCE, "web")
APP = Subject(SubjectKind.SOURCE, "app")
EXTRACT = Subject(SubjectKind.STEP, "morning/extract_web")
EXTRACT_APP = Subject(SubjectKind.STEP, "morning/extract_app")
MERGE = Subject(SubjectKind.STEP, "morning/merge")
ORDERS = Subject(SubjectKind.DATASET, "orders_web")
CUSTOMERS = Subject(SubjectKind.DATASET, "customers")
REPORT = Subject(SubjectKind.REPORT, "morning_report")
DATABASE = Subject(SubjectKind.DATABASE, "db:5432")
ELSEWHERE = Subject(SubjectKind.DATASET, "weather")

LINEAGE = Lineage(
    causes={
        EXTRACT: frozenset({WEB}),
        EXTRACT_APP: frozenset({APP}),
        ORDERS: frozenset({EXTRACT}),
        MERGE: frozenset({ORDERS, EXTRACT_APP}),
        CUSTOMERS: frozenset({MERGE}),
        REPORT: frozenset({CUSTOMERS}),
    },
    readers={"morning_report": ("management",)},
)


def a_check(name: str = "late", *, hold: int = 0, clear_after: int = 0, every: int = 0) -> Check:
    """Return a check that never finds anything by itself; times are minutes."""
    return Check(
        name=name,
        layer=Layer.PIPELINE,
        severity=Severity.WARNING,
        owner="analytics",
        summary=f"{name} is wrong.",
        look=lambda _: (),
        hold=hold * MINUTE,
        clear_after=clear_after * MINUTE,
        every=every * MINUTE,
    )


LATE = a_check("late")


def found(subject: Subject, check: Check = LATE, **fields: Any) -> Finding:  # noqa: ANN401 (Finding's fields)
    """Return a finding of a check about something."""
    known: dict[str, Any] = {
        "what": f"{subject.name} is late.",
        "next_action": f"Look at {subject.name}.",
        "since": NOW,
        "business_date": DAY,
    }
    return check.finding(subject, **(known | fields))


def a_look(
    *findings: Finding,
    at: dt.datetime = NOW,
    checks: Iterable[Check] = (LATE,),
    unknown: Iterable[str] = (),
) -> Look:
    """Return a look in which these checks were due, and found this."""
    blind = set(unknown)
    looks = []
    for check in checks:
        mine = tuple(each for each in findings if each.check == check.name)
        outcome = Outcome.FOUND if mine else Outcome.CLEAR
        if check.name in blind:
            mine, outcome = (), Outcome.UNKNOWN
        looks.append(CheckLook(check=check, outcome=outcome, findings=mine))
    return Look(at=at, checks=tuple(looks))


class Days:
    """Live through looks, one after the other, without a database.

    Args:
        checks: All checks there are.
        lineage: Knows what comes of what.
    """

    def __init__(self, *checks: Check, lineage: Lineage = LINEAGE) -> None:
        self.checks = checks or (LATE,)
        self.lineage = lineage
        self.standing: Standing = NOTHING
        self.events: list[Event] = []

    def look(
        self, *findings: Finding, minute: float = 0, unknown: Iterable[str] = ()
    ) -> list[Event]:
        """Look some minutes after `NOW`; return what happened."""
        at = NOW + minute * MINUTE
        known = {each.name: each for each in self.checks}
        look = a_look(*findings, at=at, checks=self.checks, unknown=unknown)
        after = regrouped(look, self.standing, self.lineage, known)
        self.standing = remembered(after.standing, at)
        self.events += after.events
        return list(after.events)

    @property
    def open(self) -> list[str]:
        """Return the causes of the incidents that are open."""
        return [each.cause for each in self.standing.incidents if each.is_open]

    def members(self, cause: str) -> set[str]:
        """Return the keys of what belongs to the open incident of a cause."""
        (incident,) = (
            each for each in self.standing.incidents if each.cause == cause and each.is_open
        )
        rows = self.standing.findings
        return {each.key for each in rows if each.incident_id == incident.id}


def remembered(standing: Standing, at: dt.datetime) -> Standing:
    """Return what a database would hand the next look."""
    kept = tuple(
        each
        for each in standing.incidents
        if each.is_open or (each.closed_at is not None and each.closed_at > at - MEMORY)
    )
    closed = {each.id for each in kept if not each.is_open}
    left = {
        (each.key, each.incident_id)
        for each in standing.findings
        if each.cleared_at is not None and each.incident_id in closed
    }
    old = {pair for pair in standing.left if pair[1] in closed}
    counting = tuple(each for each in standing.findings if each.cleared_at is None)
    pairs = tuple(sorted((key, number) for key, number in left | old if number))
    return Standing(findings=counting, incidents=kept, left=pairs)
