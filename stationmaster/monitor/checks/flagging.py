"""Which series are off now: judged by their own past, within a budget of alarms."""

from __future__ import annotations

import datetime as dt
import math
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from stationmaster.monitor.series.anomalies import replay
from stationmaster.monitor.series.budgets import spend
from stationmaster.monitor.series.calendars import Calendar
from stationmaster.monitor.series.judgements import Judgement, Kind, Standing
from stationmaster.monitor.series.limits import Sensitivity
from stationmaster.monitor.series.points import DAILY, Point, Series
from stationmaster.monitor.series.wording import number_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stationmaster.monitor.facts.facts import Facts

__all__ = ["Off", "off_now", "range_text"]

BESIDE: Final = (Kind.MISSING,)
"""What is missing is not low: it is late, which other checks tell."""


class Off(NamedTuple):
    """Hold a series that is off now.

    Args:
        name: Of the series.
        judgement: Of the newest day.
        since: The first day that was off.
        days: How many were.
        first: The judgement of that first day.
    """

    name: str
    judgement: Judgement
    since: dt.date
    days: int
    first: Judgement

    @property
    def is_low(self) -> bool:
        """Tell whether there is too little of it."""
        return self.first.kind in (Kind.DROP, Kind.LOW_OF_LATE, Kind.SILENT)


def off_now(
    facts: Facts, series: Mapping[str, Mapping[dt.date, float]], *, share: float = Sensitivity.share
) -> list[Off]:
    """Return which series are off on their newest day, as far as the budget of alarms goes.

    A fault is one for as long as it lasts; when it has become the new level, it is none any more.

    Args:
        facts: For the calendar.
        series: A value a business date, by name.
        share: The least drop that matters, from 0 to 1.
    """
    calendar = tuple((each.date, each.kind) for each in facts.monitoring.calendar)
    newest: dict[str, Judgement] = {}
    found: dict[str, Off] = {}
    for name, values in series.items():
        usable = tuple((day, value) for day, value in values.items() if math.isfinite(value))
        if not usable:
            continue
        judgement, off = _judged(name, usable, calendar, share)
        newest[name] = judgement
        if off is not None:
            found[name] = off
    told = set(spend(newest).told)
    return [off for name, off in found.items() if name in told or off.days > 1]


def range_text(off: Off) -> str:
    """Return what was normal on the first day that was off: 900 to 1,200."""
    span = off.first.range
    return "" if span is None else f"{number_text(span.low)} to {number_text(span.high)}"


@lru_cache(maxsize=4096)
def _judged(
    name: str,
    values: tuple[tuple[dt.date, float], ...],
    calendar: tuple[tuple[dt.date, str], ...],
    share: float,
) -> tuple[Judgement, Off | None]:
    """Return how the newest day stands; a series that is as it was is not judged again."""
    points = [Point(dt.datetime.combine(day, dt.time()), value) for day, value in values]
    done = replay(
        Series.of(name, points, DAILY),
        sensitivity=Sensitivity(share=share, least_share=min(share, Sensitivity.least_share)),
        calendar=Calendar(dict(calendar)),
    )
    last = done.judgements[-1]
    flag = next(
        (
            each
            for each in reversed(done.flags)
            if each.last_period == last.period
            and each.accepted_period is None
            and each.judgement.kind not in BESIDE
        ),
        None,
    )
    if flag is None or last.standing not in (Standing.FLAGGED, Standing.CONTINUES):
        return last, None
    first = flag.judgement
    since = DAILY.start_of(first.period).date()
    return last, Off(name, last, since, flag.periods, first)
