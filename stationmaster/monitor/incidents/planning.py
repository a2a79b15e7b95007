"""What whoever decides who is told is handed; `stationmaster.monitor.alerts` decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from stationmaster.monitor.incidents.events import Event
    from stationmaster.monitor.incidents.standing import StandingFinding, StandingIncident

__all__ = ["Happening", "LastTold", "Plan", "Planned", "TellNobody"]


@dataclass(frozen=True, kw_only=True)
class Happening:
    """Hold an event with all that an alert about it needs.

    Args:
        event: What happened.
        incident: As it is now.
        findings: What belongs to it and counts, the cause first.
        channels: Which channels have been told of it, or will be.
        silenced: Whether somebody does not want to be told.
        told_at: When a channel took a message of it last; None: none did yet.
    """

    event: Event
    incident: StandingIncident
    findings: tuple[StandingFinding, ...]
    channels: frozenset[str]
    silenced: bool
    told_at: dt.datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Planned:
    """Hold one message for one channel.

    Args:
        channel: Its name.
        due_at: Not before; a warning at night waits for the morning.
        document: The message.
    """

    channel: str
    due_at: dt.datetime
    document: dict[str, Any]


class LastTold(NamedTuple):
    """Say when somebody was told of an incident.

    Args:
        called_at: That it is there: when it was opened, opened again, or became worse.
        reminded_at: That, or that it is still there.
    """

    called_at: dt.datetime
    reminded_at: dt.datetime


class Plan(Protocol):
    """Decide who is told of an event, when, and what."""

    def messages(self, happening: Happening) -> Sequence[Planned]:
        """Return the messages of an event, at most one a channel."""

    def overdue(
        self, incident: StandingIncident, told: LastTold, now: dt.datetime
    ) -> Sequence[Event]:
        """Return what time alone brings: nobody acknowledged an incident, or it is still there.

        Args:
            incident: An open one, under no silence.
            told: When somebody was told of it.
            now: The moment.
        """


class TellNobody:
    """Plan nothing: incidents are only shown."""

    def messages(self, happening: Happening) -> Sequence[Planned]:
        """Return none."""
        del happening
        return ()

    def overdue(
        self, incident: StandingIncident, told: LastTold, now: dt.datetime
    ) -> Sequence[Event]:
        """Return none."""
        del incident, told, now
        return ()
