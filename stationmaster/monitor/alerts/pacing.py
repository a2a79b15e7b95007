"""Which messages wait, can be shared, or need not be sent; and how long a channel is given."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.checks.finding import Severity
from stationmaster.monitor.incidents.events import EventKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stationmaster.monitor.alerts.message import Message
    from stationmaster.monitor.alerts.outbox import Waiting

__all__ = ["as_told", "came_late", "is_over_untold", "is_urgent", "pause"]

FIRST_PAUSE: Final = dt.timedelta(seconds=30)
LONGEST_PAUSE: Final = dt.timedelta(minutes=15)


def as_told(group: Sequence[Waiting]) -> Message:
    """Return what a channel is told of an incident: the newest; as opened where it never was."""
    newest = group[-1].message
    opened = any(each.message.kind is EventKind.OPENED for each in group)
    if newest.kind is EventKind.GREW and opened:
        return newest.model_copy(update={"kind": EventKind.OPENED, "note": ""})
    return newest


def is_urgent(waiting: Waiting) -> bool:
    """Tell whether it says that something critical is there: it waits for no limit."""
    message = waiting.message
    return message.severity is Severity.CRITICAL and not message.ends


def is_over_untold(fresh: Sequence[Waiting], *, told: bool) -> bool:
    """Tell whether it began and ended before anybody was told: nothing to do, and no news.

    What is critical is told nevertheless: it was there, and only the channel was not.
    """
    newest = fresh[-1].message
    return newest.ends and not told and newest.severity is not Severity.CRITICAL


def came_late(waiting: Waiting) -> bool:
    """Tell whether it waited for the morning, for its channel, or only reminds: it can be shared.

    What waited together comes as one message.
    """
    waited = waiting.due_at - waiting.made_at
    return waited > FIRST_PAUSE or waiting.message.kind is EventKind.REMINDED


def pause(attempts: int) -> dt.timedelta:
    """Return how long to wait after so many tries: 30 s, 1, 2, 4, 8 min, then a quarter."""
    doublings: int = 2 ** min(attempts - 1, 10)
    return min(FIRST_PAUSE * doublings, LONGEST_PAUSE)
