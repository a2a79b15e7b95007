"""What became of each incident by a look: its cause, severity and state anew, and events."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.checks.finding import SubjectKind
from stationmaster.monitor.incidents.events import Event, EventKind
from stationmaster.monitor.incidents.standing import IncidentState

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence

    from stationmaster.monitor.incidents.relating import Relations
    from stationmaster.monitor.incidents.standing import (
        Standing,
        StandingFinding,
        StandingIncident,
    )

__all__ = ["Told", "listed", "told"]

RELIED_ON: Final = frozenset({SubjectKind.DATASET, SubjectKind.REPORT})

MOST_NAMED: Final = 3
"""So many findings are named in a sentence; the others are counted."""

Told = tuple[tuple["StandingIncident", ...], tuple[Event, ...]]


def told(
    at: dt.datetime,
    before: Standing,
    after: Standing,
    merged: Mapping[int, int],
    relations: Relations,
) -> Told:
    """Return the incidents with cause, severity and state of what stands now, and events.

    Args:
        at: The moment of the look.
        before: What stood before it.
        after: What stands now; its incidents are those of before, and new ones.
        merged: Which incident goes on in which other one.
        relations: Which finding comes of which.
    """
    teller = _Teller(at, before, after, merged, relations)
    done = [teller.tell(each) for each in after.incidents]
    return tuple(incident for incident, _ in done), tuple(
        event for _, events in done for event in events
    )


def listed(findings: Sequence[StandingFinding]) -> str:
    """Return findings in words: what each is of, the first three by name."""
    named = [each.finding.what for each in findings[:MOST_NAMED]]
    more = len(findings) - len(named)
    return " ".join(named) + (f" And {more} more." if more > 0 else "")


class _Teller:
    def __init__(
        self,
        at: dt.datetime,
        before: Standing,
        after: Standing,
        merged: Mapping[int, int],
        relations: Relations,
    ) -> None:
        self._at = at
        self._merged = merged
        self._relations = relations
        self._old = {each.id: each for each in before.incidents}
        self._stood = {each.number: each for each in before.findings}
        self._rows: dict[int, list[StandingFinding]] = {}
        for each in sorted(after.findings, key=_weight):
            if each.incident_id is not None:
                self._rows.setdefault(each.incident_id, []).append(each)

    def tell(self, incident: StandingIncident) -> tuple[StandingIncident, list[Event]]:
        """Return one incident as it is now, and what happened to it."""
        if not incident.is_open:
            return incident, []
        if incident.id in self._merged:
            return self._into_another(incident)
        rows = self._rows.get(incident.id, [])
        counting = [each for each in rows if each.cleared_at is None]
        if not counting:
            return self._closed(incident)
        now = self._with_cause(incident, counting)
        events = [
            *self._beginnings(now, rows),
            *self._changes_of_cause(incident, now, counting),
            *self._changes_of_size(now, rows),
        ]
        now, more = self._with_severity(now, counting)
        now, end = self._with_presence(now, counting)
        events += [*more, *end]
        return (replace(now, updated_at=self._at) if events else now), events

    def _event(
        self, incident: StandingIncident, kind: EventKind, sentence: str, **document: object
    ) -> Event:
        return Event(
            incident_id=incident.id,
            at=self._at,
            kind=kind,
            sentence=sentence,
            document=dict(document),
        )

    def _into_another(self, incident: StandingIncident) -> tuple[StandingIncident, list[Event]]:
        other = self._merged[incident.id]
        closed = self._as_closed(incident)
        sentence = "It has the same cause as another incident and goes on there."
        return closed, [self._event(incident, EventKind.MERGED, sentence, into=other)]

    def _closed(self, incident: StandingIncident) -> tuple[StandingIncident, list[Event]]:
        sentence = f"It is over: {incident.title}"
        return self._as_closed(incident), [self._event(incident, EventKind.CLOSED, sentence)]

    def _as_closed(self, incident: StandingIncident) -> StandingIncident:
        return replace(
            incident,
            state=IncidentState.CLOSED,
            gone_at=incident.gone_at or self._at,
            closed_at=self._at,
            updated_at=self._at,
        )

    def _with_cause(
        self, incident: StandingIncident, counting: list[StandingFinding]
    ) -> StandingIncident:
        """Return it with the finding that explains the others; the one it has stays if it can.

        What is gone as a whole keeps the title that people know, whatever of it clears first.
        """
        mine = {each.key for each in counting}
        firsts = [each for each in counting if not self._relations.causes_among(each.key, mine)]
        kept = [each for each in firsts if each.key == incident.cause]
        there = [each for each in firsts or counting if each.gone_at is None]
        cause = min(kept or there or firsts or counting, key=_weight)
        finding, left = cause.finding, [each for each in counting if each.gone_at is None]
        if not left and incident.id in self._old:
            return replace(incident, cause=cause.key)
        if cause.gone_at is not None and left:
            # Why it happened stays the title; what to do is what there still is to do.
            now = min(left, key=_weight).finding.next_action
            finding = finding.model_copy(update={"next_action": now})
        # Another team's route has steps of its own, and none of them was taken.
        steps = incident.escalation if finding.owner == incident.owner else 0
        return replace(
            incident, cause=cause.key, finding=finding, since=finding.since, escalation=steps
        )

    def _beginnings(
        self, incident: StandingIncident, rows: list[StandingFinding]
    ) -> Iterable[Event]:
        others = [each for each in rows if each.key != incident.cause]
        more = f" With it: {listed(others)}" if others else ""
        if incident.id not in self._old:
            yield self._event(incident, EventKind.OPENED, f"{incident.title}{more}")
        elif self._has_come_back(incident):
            sentence = f"It is there again ({incident.reopened + 1} times now): {incident.title}"
            yield self._event(incident, EventKind.REOPENED, f"{sentence}{more}")

    def _has_come_back(self, incident: StandingIncident) -> bool:
        return not self._old[incident.id].is_open

    def _changes_of_cause(
        self,
        before: StandingIncident,
        now: StandingIncident,
        counting: list[StandingFinding],
    ) -> Iterable[Event]:
        if now.id not in self._old or before.cause == now.cause:
            return
        if all(each.gone_at is not None for each in counting):
            return  # it is over: nobody need know what of it is forgotten last
        if before.cause in {each.key for each in counting}:
            sentence = f"Its cause is known now: {now.title}"
        else:
            sentence = f"No longer: {before.title} What is left: {now.title}"
        yield self._event(now, EventKind.CAUSE_CHANGED, sentence, before=before.cause)

    def _changes_of_size(
        self, incident: StandingIncident, rows: list[StandingFinding]
    ) -> Iterable[Event]:
        if incident.id not in self._old or self._has_come_back(incident):
            return
        new = [each for each in rows if self._is_new(each) and each.key != incident.cause]
        again = [each for each in new if each.finding.key[:2] == incident.finding.key[:2]]
        for kind, found in (
            (EventKind.AGAIN, again),
            (EventKind.GREW, [each for each in new if each not in again]),
            (EventKind.LESSENED, [each for each in rows if each.cleared_at == self._at]),
        ):
            if not found:
                continue
            document: dict[str, object] = {"findings": [each.key for each in found]}
            if kind is EventKind.GREW:
                document["reaches"] = _reached(found, [each for each in rows if each not in new])
            yield self._event(incident, kind, listed(found), **document)

    def _is_new(self, each: StandingFinding) -> bool:
        before = self._stood.get(each.number)
        return before is None or before.incident_id != each.incident_id

    def _with_severity(
        self, incident: StandingIncident, counting: list[StandingFinding]
    ) -> tuple[StandingIncident, list[Event]]:
        worst = max((each.finding.severity for each in counting), key=lambda one: one.rank)
        was = incident.severity
        now = replace(incident, severity=worst)
        if worst is was or incident.id not in self._old:
            return now, []
        sentence = f"It is {worst} now, and was {was}."
        if worst.rank < was.rank:
            return now, [self._event(now, EventKind.EASED, sentence, before=was)]
        # It is called out anew, by a route that may be another one: its steps begin anew.
        now = replace(now, escalation=0)
        if now.state is IncidentState.ACKNOWLEDGED:
            sentence += f" {now.acknowledged_by} had acknowledged it before it was."
            # Who looks after a warning has not said that he looks after what is critical.
            now = replace(now, state=IncidentState.OPEN, acknowledged_at=None)
        return now, [self._event(now, EventKind.WORSENED, sentence, before=was)]

    def _with_presence(
        self, incident: StandingIncident, counting: list[StandingFinding]
    ) -> tuple[StandingIncident, list[Event]]:
        gone = [each.gone_at for each in counting if each.gone_at is not None]
        if len(gone) < len(counting):
            return replace(incident, gone_at=None), []
        if incident.gone_at is not None:
            return incident, []
        sentence = "Nothing of it is found any more; it closes when that stays so."
        now = replace(incident, gone_at=max(gone))
        return now, [self._event(now, EventKind.GONE, sentence)]


def _reached(new: Sequence[StandingFinding], known: Sequence[StandingFinding]) -> list[str]:
    """Return what people rely on that is wrong only now: datasets, reports, and who is affected."""
    return sorted(
        {name for each in new for name in _touches(each)}
        - {name for each in known for name in _touches(each)}
    )


def _touches(each: StandingFinding) -> set[str]:
    subject = each.finding.subject
    own = {f"{subject.kind} {subject.name}"} if subject.kind in RELIED_ON else set()
    return own | set(each.finding.affected)


def _weight(each: StandingFinding) -> tuple[bool, int, dt.datetime, str]:
    """Return what sorts an incident's findings: what has happened, what is worse, began first."""
    finding = each.finding
    return (finding.foretold, -finding.severity.rank, finding.since, each.key)
