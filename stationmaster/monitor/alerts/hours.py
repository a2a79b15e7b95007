"""When a team is at work."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from stationmaster.monitor.alerts.routing import QuietHours

__all__ = ["is_quiet", "next_at_work", "next_time_of_day"]

SATURDAY: Final = 5
MOST_DAYS: Final = 8


def is_quiet(at: dt.datetime, quiet: QuietHours | None, zone: ZoneInfo) -> bool:
    """Tell whether a team is not at work at a moment."""
    if quiet is None:
        return False
    local = at.astimezone(zone)
    if quiet.weekends and local.weekday() >= SATURDAY:
        return True
    time = local.time()
    if quiet.begins <= quiet.ends:
        return quiet.begins <= time < quiet.ends
    return time >= quiet.begins or time < quiet.ends


def next_at_work(at: dt.datetime, quiet: QuietHours | None, zone: ZoneInfo) -> dt.datetime:
    """Return the first moment from then on at which the team is at work, in UTC.

    Where it never is, the moment itself: what nobody would ever be told is told at once.
    """
    if quiet is None or not is_quiet(at, quiet, zone):
        return at
    for days in range(MOST_DAYS):
        for fold in (0, 1):  # a clock that goes back shows the time twice
            morning = _on(at, days, quiet.ends.replace(fold=fold), zone)
            if morning >= at and not is_quiet(morning, quiet, zone):
                return morning
    return at


def next_time_of_day(after: dt.datetime, time: dt.time, zone: ZoneInfo) -> dt.datetime:
    """Return when a clock of that zone shows a time next, later than a moment; in UTC."""
    today = _on(after, 0, time, zone)
    return today if today > after else _on(after, 1, time, zone)


def _on(at: dt.datetime, days: int, time: dt.time, zone: ZoneInfo) -> dt.datetime:
    day = at.astimezone(zone).date() + dt.timedelta(days=days)
    return dt.datetime.combine(day, time, zone).astimezone(dt.UTC)
