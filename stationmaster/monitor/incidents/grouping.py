"""What one look makes of what stood before: findings become incidents by their cause.

    seen     which findings are new, there again, gone, cleared        seeing.py
    roots    which of them explains which                              relating.py
    placed   each root has one incident, with all that comes of it     this module
    told     what changed, as events                                   telling.py

Plain functions: the same look on the same standing gives the same, and a second one nothing new.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.incidents.relating import Relations
from stationmaster.monitor.incidents.seeing import is_ripe, seen
from stationmaster.monitor.incidents.standing import (
    MEMORY,
    IncidentState,
    Standing,
    StandingFinding,
    StandingIncident,
)
from stationmaster.monitor.incidents.telling import told

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from stationmaster.monitor.checks.check import Check
    from stationmaster.monitor.checks.looking import Look
    from stationmaster.monitor.incidents.events import Event
    from stationmaster.monitor.incidents.relating import ComesOf

__all__ = ["Regrouped", "regrouped"]

NAMESPACE: Final = uuid.UUID("5a1f6d0e-3f0b-4f7e-9c55-6f7f2f6b8a11")


@dataclass(frozen=True, kw_only=True)
class Regrouped:
    """Hold what stands after a look, and what happened.

    Args:
        standing: What stands; new findings and incidents have negative numbers.
        events: What happened to incidents, in the order in which it is told.
    """

    standing: Standing
    events: tuple[Event, ...]


def regrouped(
    look: Look, before: Standing, lineage: ComesOf, checks: Mapping[str, Check]
) -> Regrouped:
    """Return what stands after a look.

    Args:
        look: What checks found.
        before: What stood before it.
        lineage: Knows what comes of what.
        checks: All checks there are, by name, due or not.
    """
    released: frozenset[str] = frozenset()
    while True:
        findings, kept = seen(look, before, checks, released)
        placing = _Placing(look.at, before, findings, lineage, checks)
        placing.place()
        after = placing.result(before)
        needless = kept - _causes_with_effects(after.standing)
        if not needless:
            return after
        released |= needless


class _Placing:
    """Give each finding that stands long enough its incident."""

    def __init__(
        self,
        at: dt.datetime,
        before: Standing,
        findings: list[StandingFinding],
        lineage: ComesOf,
        checks: Mapping[str, Check],
    ) -> None:
        self._at = at
        self._left = before.left
        self._findings = {each.number: each for each in findings}
        self._incidents = {each.id: each for each in before.incidents}
        self._merged: dict[int, int] = {}
        self._claimed: set[int] = set()
        counting = [
            each for each in findings if each.cleared_at is None and not self._is_put_away(each)
        ]
        self._relations = Relations([each for each in counting if _matters(each)], lineage)
        self._ripe = self._ripened(counting, checks)

    def place(self) -> None:
        """Find an incident for each root, and bring what comes of it there."""
        families: dict[str, list[str]] = {}
        for key in self._ripe:
            families.setdefault(self._root_for(key), []).append(key)
        self._claimed = {found for root in families if (found := self._incident_of(root))}
        for root in sorted(families, key=self._beginning):
            target = self._incident_for(root, families[root])
            self._claimed.add(target)
            for key in sorted(families[root], key=self._beginning):
                self._move(key, target)

    def result(self, before: Standing) -> Regrouped:
        """Return what stands, with each incident's cause, severity and state anew."""
        now = Standing(
            findings=tuple(self._findings.values()),
            incidents=tuple(self._incidents.values()),
            left=before.left,
        )
        incidents, events = told(self._at, before, now, self._merged, self._relations)
        return Regrouped(standing=replace(now, incidents=incidents), events=events)

    def _is_put_away(self, each: StandingFinding) -> bool:
        """Tell whether people closed its incident while it was still there."""
        incident = self._incidents.get(each.incident_id or 0)
        return incident is not None and not incident.is_open

    def _ripened(self, counting: list[StandingFinding], checks: Mapping[str, Check]) -> list[str]:
        """Return the keys of what belongs to an incident now.

        A cause whose effects have stood long enough does not wait any longer by itself; and what
        comes of an incident's cause belongs there at once: nobody is called for it.
        """
        known = {
            each.key
            for each in counting
            if each.incident_id is not None
            or is_ripe(each, checks.get(each.finding.check), self._at)
        }
        causes = {root for key in known for root in self._relations.roots_of(key)}
        joining = {each.key for each in counting if self._comes_of_one(each, causes)}
        return sorted(known | causes | joining)

    def _comes_of_one(self, each: StandingFinding, causes: set[str]) -> bool:
        """Tell whether it is there and comes of what has an incident, or gets one now."""
        if each.gone_at is not None or not _matters(each):
            return False
        return causes.issuperset(self._relations.roots_of(each.key))

    def _of(self, key: str) -> StandingFinding:
        return self._relations.findings[key]

    def _beginning(self, key: str) -> tuple[dt.datetime, str]:
        return self._of(key).finding.since, key

    def _incident_of(self, key: str) -> int | None:
        """Return the incident that a finding has now, where that is open."""
        found = self._findings[self._of(key).number].incident_id
        return found if found is not None and self._incidents[found].is_open else None

    def _root_for(self, key: str) -> str:
        """Return which root a finding goes with: that of its incident, else what began first."""
        roots = self._relations.roots_of(key)
        mine = self._incident_of(key)
        same = [root for root in roots if mine is not None and self._incident_of(root) == mine]
        return (same or list(roots))[0]

    def _incident_for(self, root: str, family: list[str]) -> int:
        return (
            self._incident_of(root)
            or self._taken_over(family)
            or self._reopened(root)
            or self._opened(root)
        )

    def _taken_over(self, family: list[str]) -> int | None:
        """Return the oldest incident whose own cause turns out to come of this root."""
        standing = {each for each in self._relations.findings if self._incident_of(each)}
        mine = {found for key in family if (found := self._incident_of(key)) is not None}
        free = [
            each
            for each in mine - self._claimed
            if self._incidents[each].cause in family or self._incidents[each].cause not in standing
        ]
        return min(free, key=self._age) if free else None

    def _reopened(self, root: str) -> int | None:
        """Return the incident that was closed a short while ago and had this finding."""
        found = [
            number for key, number in self._left if key == root and self._was_closed_lately(number)
        ]
        if not found:
            return None
        number = max(found, key=self._age)
        old = self._incidents[number]
        self._incidents[number] = replace(
            old,
            state=IncidentState.OPEN,
            closed_at=None,
            gone_at=None,
            acknowledged_at=None,
            acknowledged_by="",
            escalation=0,
            reopened=old.reopened + 1,
        )
        return number

    def _was_closed_lately(self, number: int) -> bool:
        closed_at = self._incidents[number].closed_at if number in self._incidents else None
        return closed_at is not None and self._at - closed_at < MEMORY

    def _opened(self, root: str) -> int:
        cause = self._of(root)
        number = min([0, *self._incidents]) - 1
        name = f"{root} {cause.first_seen_at.isoformat()}"
        self._incidents[number] = StandingIncident(
            id=number,
            uid=uuid.uuid5(NAMESPACE, name).hex,
            cause=root,
            state=IncidentState.OPEN,
            severity=cause.finding.severity,
            finding=cause.finding,
            since=cause.finding.since,
            opened_at=self._at,
            updated_at=self._at,
        )
        return number

    def _move(self, key: str, target: int) -> None:
        """Bring a finding to an incident; where it is another one's cause, all of that one."""
        mine = self._incident_of(key)
        each = self._findings[self._of(key).number]
        self._findings[each.number] = replace(each, incident_id=target)
        if mine is not None and mine != target:
            # What flapped there flaps here: it is given as long to stay away.
            often = max(self._incidents[each].reopened for each in (mine, target))
            self._incidents[target] = replace(self._incidents[target], reopened=often)
        if mine is None or mine in self._claimed or self._incidents[mine].cause != key:
            return
        self._merged[mine] = target
        for number, other in self._findings.items():
            if other.incident_id == mine:
                self._findings[number] = replace(other, incident_id=target)

    def _age(self, number: int) -> tuple[dt.datetime, int]:
        return self._incidents[number].opened_at, number


def _causes_with_effects(standing: Standing) -> frozenset[str]:
    """Return the causes of which something is there; another one may explain all of it now."""
    there = {each.incident_id for each in standing.findings if each.gone_at is None}
    return frozenset(each.cause for each in standing.incidents if each.is_open and each.id in there)


def _matters(each: StandingFinding) -> bool:
    """Tell whether a finding can be a cause or an effect: info is neither."""
    return each.finding.severity.rank > 0 or each.incident_id is not None
