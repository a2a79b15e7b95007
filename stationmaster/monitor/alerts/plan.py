"""Who is told of an event, and when: routes, quiet hours, silences, escalation, reminders."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from stationmaster.monitor.alerts.hours import next_at_work, next_time_of_day
from stationmaster.monitor.alerts.message import ENDS, Message
from stationmaster.monitor.checks.finding import Severity
from stationmaster.monitor.incidents.events import Event, EventKind
from stationmaster.monitor.incidents.planning import Planned
from stationmaster.monitor.incidents.standing import IncidentState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from stationmaster.monitor.alerts.routing import Alerting, Route
    from stationmaster.monitor.incidents.planning import Happening, LastTold
    from stationmaster.monitor.incidents.standing import StandingIncident

__all__ = ["AlertPlan"]

ALARMS: Final = frozenset(
    {
        EventKind.OPENED,
        EventKind.REOPENED,
        EventKind.AGAIN,
        EventKind.WORSENED,
        EventKind.CAUSE_CHANGED,
        EventKind.SILENCE_OVER,
    }
)
"""These go to the channels of the route, whoever was told before."""

NEWS: Final = ENDS | {EventKind.ACKNOWLEDGED}
"""These go to the channels that know the incident."""


class AlertPlan:
    """Plan messages by the part `alerts` of the file of expectations.

    Args:
        alerting: That part.
        zone: The business time zone, for teams without one of their own.
        public_url: Where the dashboard is, for links; "" where there is none.
    """

    def __init__(self, alerting: Alerting, zone: ZoneInfo, *, public_url: str = "") -> None:
        self.alerting = alerting
        self.zone = zone
        self.public_url = public_url

    def messages(self, happening: Happening) -> Sequence[Planned]:
        """Return the messages of an event, at most one a channel."""
        incident, event = happening.incident, happening.event
        if incident.severity is Severity.INFO and event.kind not in ENDS:
            return ()
        route = self.alerting.route(incident.finding, incident.severity)
        names = list(dict.fromkeys(self._channels(happening, route)))
        if not names:
            return ()
        document = Message.of(happening, public_url=self.public_url).model_dump(mode="json")
        due_at = self._due_at(happening)
        return [Planned(channel=each, due_at=due_at, document=document) for each in names]

    def overdue(
        self, incident: StandingIncident, told: LastTold, now: dt.datetime
    ) -> Sequence[Event]:
        """Return escalations and reminders of an open incident that nobody acknowledged."""
        route = self.alerting.route(incident.finding, incident.severity)
        escalated = self._escalated(incident, route, told, now)
        if escalated:
            return escalated
        if not self._is_to_be_reminded(incident, route, told, now):
            return ()
        sentence = f"It is still there, and nobody has acknowledged it: {incident.title}"
        return [Event(incident_id=incident.id, at=now, kind=EventKind.REMINDED, sentence=sentence)]

    def route_of(self, message: Message) -> Route:
        """Return the route of what a message is about."""
        return self.alerting.route_for(
            owner=message.owner,
            severity=message.severity,
            layer=message.layer,
            pipeline=message.pipeline,
            check=message.check,
        )

    def zone_of(self, owner: str) -> ZoneInfo:
        """Return the time zone of a team."""
        name = self.alerting.team(owner).zone
        return ZoneInfo(name) if name else self.zone

    def _escalated(
        self, incident: StandingIncident, route: Route, told: LastTold, now: dt.datetime
    ) -> Sequence[Event]:
        """Return the event of the highest step that is due and has not been taken."""
        if self._due_at_of(incident, now) > now:
            return ()
        # At night nobody was asked, where it was not critical.
        asked_at = self._due_at_of(incident, told.called_at)
        waited = (now - asked_at).total_seconds() / 60
        due = [each for each in route.escalate if each.after_minutes <= waited]
        if len(due) <= incident.escalation:
            return ()
        sentence = f"Nobody has acknowledged it for {due[-1].after_minutes:g} minutes."
        event = Event(
            incident_id=incident.id,
            at=now,
            kind=EventKind.ESCALATED,
            sentence=sentence,
            document={"step": len(due), "from": incident.escalation},
        )
        return [event]

    def _is_to_be_reminded(
        self, incident: StandingIncident, route: Route, told: LastTold, now: dt.datetime
    ) -> bool:
        if self._due_at_of(incident, now) > now:
            return False
        hours, digest = route.repeat_hours, self.alerting.team(incident.owner).digest
        if hours is not None and now - told.reminded_at >= dt.timedelta(hours=hours):
            return True
        zone = self.zone_of(incident.owner)
        return digest is not None and next_time_of_day(told.reminded_at, digest, zone) <= now

    def _channels(self, happening: Happening, route: Route) -> Iterable[str]:
        incident, kind = happening.incident, happening.event.kind
        if kind in NEWS:
            return [each for each in happening.channels if kind not in ENDS or self._closes(each)]
        if happening.silenced or incident.state is IncidentState.CLOSED:
            return ()
        if kind is EventKind.ESCALATED:
            steps = slice(int(happening.event.document["from"]), incident.escalation)
            return [name for step in route.escalate[steps] for name in step.to]
        if kind is EventKind.REMINDED:
            return [each for each in route.to if self._repeats(each)]
        return self._alarmed(happening, route)

    def _alarmed(self, happening: Happening, route: Route) -> Iterable[str]:
        """Return who is told that something is there, or that there is more of it."""
        incident, kind = happening.incident, happening.event.kind
        if kind is EventKind.CAUSE_CHANGED and incident.state is IncidentState.ACKNOWLEDGED:
            # Whoever looks after it sees it there; another team may not know of it yet.
            return [each for each in route.to if each not in happening.channels]
        if kind is EventKind.GREW:
            return route.to if self._is_update(happening) else ()
        return route.to if kind in ALARMS else ()

    def _closes(self, name: str) -> bool:
        channel = self.alerting.channel(name)
        return channel is not None and channel.closes

    def _repeats(self, name: str) -> bool:
        channel = self.alerting.channel(name)
        return channel is not None and channel.repeats

    def _is_update(self, happening: Happening) -> bool:
        """Tell whether growth is news: it reaches more, and nobody looks after it already."""
        return (
            self.alerting.update_minutes is not None
            and bool(happening.event.document.get("reaches"))
            and happening.incident.state is IncidentState.OPEN
        )

    def _due_at(self, happening: Happening) -> dt.datetime:
        at, wait = happening.event.at, self.alerting.update_minutes
        if happening.event.kind is EventKind.GREW and happening.told_at and wait:
            # What grows meanwhile waits for the same moment, and the newest tells all of it.
            at = max(at, happening.told_at + dt.timedelta(minutes=wait))
        return self._due_at_of(happening.incident, at)

    def _due_at_of(self, incident: StandingIncident, at: dt.datetime) -> dt.datetime:
        """Return when a message may go: at once where it is critical, else when people work."""
        if incident.severity is Severity.CRITICAL:
            return at
        team = self.alerting.team(incident.owner)
        return next_at_work(at, team.quiet, self.zone_of(incident.owner))
