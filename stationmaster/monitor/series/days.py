"""A series by its days: what of a day matters to a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stationmaster.monitor.series.points import DAILY

if TYPE_CHECKING:
    from stationmaster.monitor.series.points import Series

__all__ = ["by_day"]

LEAST_HOURS: Final = 18
"""A last day with fewer hours is not over: its highest value is still to come."""


def by_day(series: Series, *, lowest: bool = False) -> tuple[list[int], list[float]]:
    """Return the numbers of a series' days and their values; of hours the highest of each day.

    Args:
        series: Daily or hourly. Values that are not complete are left out.
        lowest: Take the lowest hour of each day instead: what falls to a limit.
    """
    known = [(period, point.value) for period, point in series.by_period.items() if point.complete]
    if series.rhythm is DAILY:
        return [day for day, _ in known], [value for _, value in known]
    hours: dict[int, list[float]] = {}
    for period, value in known:
        hours.setdefault(period // 24, []).append(value)
    if hours and len(hours[max(hours)]) < LEAST_HOURS and len(hours) > 1:
        del hours[max(hours)]
    chosen = min if lowest else max
    return list(hours), [chosen(values) for values in hours.values()]
