"""What changes without a finding: silences begin and end, and time passes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from stationmaster.monitor.incidents.events import Event, EventKind
from stationmaster.monitor.incidents.planning import LastTold
from stationmaster.monitor.incidents.standing import IncidentState

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from stationmaster.monitor.incidents.matching import Matcher
    from stationmaster.monitor.incidents.planning import Plan
    from stationmaster.monitor.incidents.standing import Standing, StandingIncident

__all__ = ["overdue", "under_silences"]


def under_silences(
    standing: Standing, silences: Sequence[tuple[int, Matcher]], at: dt.datetime
) -> tuple[Standing, list[Event]]:
    """Return incidents with the silence that each is under, and what began or ended."""
    incidents, events = [], []
    for each in standing.incidents:
        now = next((number for number, what in silences if what.matches(each)), None)
        # What is going is not called out: the silence stays until it closes, or is back.
        going = now is None and each.gone_at is not None
        if not each.is_open or now == each.silence_id or going:
            incidents.append(each)
            continue
        # Whoever is called anew has his time before the next ones are.
        steps = 0 if now is None else each.escalation
        changed = replace(each, silence_id=now, escalation=steps, updated_at=at)
        incidents.append(changed)
        if each.silence_id is None or now is None:
            events.append(_silence_event(changed, at))
    return replace(standing, incidents=tuple(incidents)), events


def overdue(
    standing: Standing, plan: Plan, told: Mapping[int, LastTold], at: dt.datetime
) -> tuple[Standing, list[Event]]:
    """Return incidents with the escalation that each has reached, and what time brought."""
    events = [
        event
        for each in standing.incidents
        if each.state is IncidentState.OPEN and each.silence_id is None and each.gone_at is None
        for event in plan.overdue(
            each, told.get(each.id, LastTold(each.opened_at, each.opened_at)), at
        )
    ]
    steps = {
        each.incident_id: int(each.document["step"])
        for each in events
        if each.kind is EventKind.ESCALATED
    }
    incidents = tuple(
        replace(each, escalation=steps.get(each.id, each.escalation)) for each in standing.incidents
    )
    return replace(standing, incidents=incidents), events


def _silence_event(incident: StandingIncident, at: dt.datetime) -> Event:
    if incident.silence_id is None:
        kind, sentence = EventKind.SILENCE_OVER, "The silence is over, and it is still there."
    else:
        kind = EventKind.SILENCED
        sentence = f"Nobody is told of it: silence {incident.silence_id} is about it."
    return Event(incident_id=incident.id, at=at, kind=kind, sentence=sentence)
