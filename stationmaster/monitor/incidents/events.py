"""What can happen to an incident."""

from __future__ import annotations

import datetime as dt  # noqa: TC003 (pydantic reads it: watching/away)
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

__all__ = ["BY_PEOPLE", "Event", "EventKind"]


class EventKind(StrEnum):
    """Name what happened to an incident."""

    OPENED = "opened"
    GREW = "grew"
    """More is wrong because of the same cause."""
    AGAIN = "again"
    """The same is wrong with another business date."""
    LESSENED = "lessened"
    """Some of it is not found any more."""
    CAUSE_CHANGED = "cause-changed"
    """What explains it was found later than what it explains; or is gone, and something is left."""
    MERGED = "merged"
    """It is closed, since it has the same cause as another one."""
    WORSENED = "worsened"
    """Its severity rose."""
    EASED = "eased"
    """Its severity fell."""
    GONE = "gone"
    """Nothing of it is found any more; it closes when that stays so."""
    REOPENED = "reopened"
    CLOSED = "closed"
    ESCALATED = "escalated"
    """Nobody acknowledged it in time: the next channels are told."""
    REMINDED = "reminded"
    """It is still there: its channels are told again."""
    SILENCED = "silenced"
    SILENCE_OVER = "silence-over"
    ACKNOWLEDGED = "acknowledged"
    COMMENTED = "commented"
    JUDGED = "judged"


BY_PEOPLE: Final = frozenset({EventKind.ACKNOWLEDGED, EventKind.COMMENTED, EventKind.JUDGED})
"""What only people do."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Hold one thing that happened to an incident.

    Args:
        incident_id: Of which; negative where the incident has no number yet.
        at: When.
        kind: What.
        sentence: The same in words.
        actor: Who did it; empty: the watcher.
        document: What else is known, by name.
    """

    incident_id: int
    at: dt.datetime
    kind: EventKind
    sentence: str
    actor: str = ""
    document: dict[str, Any] = field(default_factory=dict)
