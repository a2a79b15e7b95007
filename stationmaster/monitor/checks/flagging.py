"""Which series are off now: judged by their own past, within a budget of alarms."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from functools import lru_cache
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

from stationmaster.monitor.checks.saying import day_text
from stationmaster.monitor.series.anomalies import replay
from stationmaster.monitor.series.budgets import spend
from stationmaster.monitor.series.calendars import Calendar
from stationmaster.monitor.series.judgements import Judgement, Kind, Standing
from stationmaster.monitor.series.limits import Sensitivity
from stationmaster.monitor.series.points import DAILY, Point, Series
from stationmaster.monitor.series.wording import number_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from stationmaster.monitor.facts.facts import Facts

__all__ = ["Off", "lasting", "off_now", "open_day", "range_text", "since_morning"]

USUAL_DAYS: Final = 14
NEARLY_ALL: Final = 0.8
WAITED_HOURS: Final = 12

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
    def is_of_late(self) -> bool:
        """Tell whether a week is off, and no single day of it."""
        return self.first.kind in (Kind.LOW_OF_LATE, Kind.HIGH_OF_LATE)

    @property
    def usual(self) -> float:
        """Return what the newest day was expected to be."""
        span = self.judgement.range or self.first.range
        return 0.0 if span is None else span.expected

    @property
    def is_low(self) -> bool:
        """Tell whether there is too little of it."""
        return self.first.kind in (Kind.DROP, Kind.LOW_OF_LATE, Kind.SILENT)


def off_now(
    facts: Facts,
    series: Mapping[str, Mapping[dt.date, float]],
    *,
    still_open: Mapping[str, dt.date] | None = None,
    share: float = Sensitivity.share,
) -> list[Off]:
    """Return which series are off on their newest day, as far as the budget of alarms goes.

    A fault is one for as long as it lasts; when it has become the new level, it is none any more.

    Args:
        facts: For the calendar.
        series: A value a business date, by name.
        still_open: A day of which more is to come, by name: it may be too much, not too little.
        share: The least drop that matters, from 0 to 1.
    """
    calendar = tuple((each.date, each.kind) for each in facts.monitoring.calendar)
    newest: dict[str, Judgement] = {}
    found: dict[str, Off] = {}
    for name, values in series.items():
        usable = tuple((day, value) for day, value in values.items() if math.isfinite(value))
        if not usable:
            continue
        judgement, off = _judged(name, usable, calendar, (still_open or {}).get(name), share)
        newest[name] = judgement
        if off is not None:
            found[name] = off
    told = set(spend(newest).told)
    return [off for name, off in found.items() if name in told or off.days > 1]


def open_day(facts: Facts, published: Iterable[tuple[dt.date, dt.datetime]]) -> dt.date | None:
    """Return the newest day where more of it is still to come, None where all is there.

    More comes of a day that is not over, and of one that is written several times, as long as it
    has not been written as often as days are: for half a day after its end.

    Args:
        facts: For the business clock.
        published: Each writing of each day.
    """
    times = Counter(day for day, _ in published)
    if not times:
        return None
    newest = max(times)
    over = dt.datetime.combine(newest + dt.timedelta(days=1), dt.time(), facts.monitoring.clock)
    if facts.now < over:
        return newest
    before = [times[day] for day in sorted(times)[:-1][-USUAL_DAYS:]]
    few = bool(before) and times[newest] < NEARLY_ALL * median(before)
    return newest if few and facts.now < over + dt.timedelta(hours=WAITED_HOURS) else None


def since_morning(facts: Facts, day: dt.date) -> dt.datetime:
    """Return when a day began on the business clock."""
    return dt.datetime.combine(day, dt.time(), facts.monitoring.clock).astimezone(dt.UTC)


def lasting(off: Off) -> str:
    """Return since when a series is off, as a sentence; "" where it is since this day."""
    return "" if off.days == 1 else f" So it is since {day_text(off.since)}."


def range_text(off: Off) -> str:
    """Return what would be normal on the newest day: 900 to 1,200."""
    span = off.judgement.range or off.first.range
    return "" if span is None else f"{number_text(span.low)} to {number_text(span.high)}"


@lru_cache(maxsize=4096)
def _judged(
    name: str,
    values: tuple[tuple[dt.date, float], ...],
    calendar: tuple[tuple[dt.date, str], ...],
    still_open: dt.date | None,
    share: float,
) -> tuple[Judgement, Off | None]:
    """Return how the newest day stands; a series that is as it was is not judged again."""
    points = [
        Point(dt.datetime.combine(day, dt.time()), value, complete=day != still_open)
        for day, value in values
    ]
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
