"""How a series grows now: a robust line through the last part of it in which one line holds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.series.scales import spread_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LEAST_DAYS", "Trend", "fit_trend", "slope_of", "weekday_places"]

LEAST_DAYS: Final = 7
WINDOWS: Final = (7, 10, 14, 20, 28, 40, 56, 84)
BREAK: Final = 3.0
"""So many standard errors beside the line, an older part of the series had another trend."""

LEAST_SPREAD: Final = 0.005
"""Heights are logarithms, or parts of the series' size: nothing is known better than to 0.5 %."""

NORMAL_MEDIAN: Final = 1.2533
"""Standard error of a median beside that of a mean, for normal data."""

MOST_CORRELATED: Final = 0.7
WEEK: Final = 7
LEAST_WEEKS: Final = 3
CLEARER: Final = 0.8
"""A week's shape is one if it takes at least a fifth of the spread away."""

ALL_PAIRS: Final = 30


@dataclass(frozen=True, slots=True)
class Trend:
    """Hold a line: `level + slope * (day - last day)`, and how sure it is.

    Args:
        slope: A day; on a logarithmic scale the growth's logarithm.
        slope_error: Its standard error, wider where errors follow one another.
        level: At the last day, without the weekday's place.
        level_error: Its standard error.
        days: How many days the line goes back.
        last: The number of the last day.
        errors: How far the values were off the line.
        places: What each weekday is beside the line, by the day's number modulo 7.
    """

    slope: float
    slope_error: float
    level: float
    level_error: float
    days: int
    last: int
    errors: tuple[float, ...]
    places: tuple[float, ...]

    @property
    def certainty(self) -> float:
        """Return how many standard errors the slope is from none."""
        return self.slope / max(self.slope_error, 1e-300)

    def height(self, ahead: float) -> float:
        """Return the line so many days after the last one."""
        return self.level + self.slope * ahead

    def place(self, ahead: int) -> float:
        """Return what the weekday so many days after the last one is beside the line."""
        return self.places[(self.last + ahead) % WEEK]

    def times(self, unit: float) -> Trend:
        """Return the line in another unit."""
        return Trend(
            self.slope * unit,
            self.slope_error * unit,
            self.level * unit,
            self.level_error * unit,
            self.days,
            self.last,
            tuple(error * unit for error in self.errors),
            tuple(place * unit for place in self.places),
        )


def slope_of(days: Sequence[float], heights: Sequence[float]) -> float:
    """Return the median slope between pairs of points (Theil 1950, Sen 1968).

    Up to 30 points: of all pairs. More: each point is paired with the one half the series later
    (Theil's incomplete method), which is nearly as sharp, and takes time for n pairs, not n².
    """
    number = len(days)
    if number <= ALL_PAIRS:
        pairs = [(i, j) for i in range(number) for j in range(i + 1, number)]
    else:
        half = number // 2
        pairs = [(i, i + half) for i in range(number - half)]
    return median(
        (heights[j] - heights[i]) / (days[j] - days[i]) for i, j in pairs if days[j] != days[i]
    )


def weekday_places(days: Sequence[int], errors: Sequence[float]) -> tuple[float, ...]:
    """Return what each weekday is beside a line; zeros where three weeks do not show a shape."""
    flat = (0.0,) * WEEK
    if len(days) < LEAST_WEEKS * WEEK:
        return flat
    groups = [
        [error for day, error in zip(days, errors, strict=True) if day % WEEK == place]
        for place in range(WEEK)
    ]
    if any(0 < len(group) < LEAST_WEEKS - 1 for group in groups):
        return flat
    places = tuple(median(group) if group else 0.0 for group in groups)
    left = [error - places[day % WEEK] for day, error in zip(days, errors, strict=True)]
    return places if spread_of(left) < CLEARER * spread_of(errors) else flat


def fit_trend(days: Sequence[int], heights: Sequence[float]) -> Trend:
    """Return the line of the last days, going back as far as one line holds.

    Args:
        days: Their numbers, ascending; at least LEAST_DAYS of them.
        heights: Their values, on the scale on which growth is a line.
    """
    places = _places(days, heights)
    plain = [height - places[day % WEEK] for day, height in zip(days, heights, strict=True)]
    noise = max(_step_noise(plain), LEAST_SPREAD)
    trend = _line(days[-LEAST_DAYS:], plain[-LEAST_DAYS:], places, noise)
    for window in WINDOWS[1:]:
        older = slice(-window, -trend.days)
        if len(days) == trend.days or _breaks(trend, days[older], plain[older], days[-1], noise):
            break
        trend = _line(days[-window:], plain[-window:], places, noise)
    return trend


def _places(days: Sequence[int], heights: Sequence[float]) -> tuple[float, ...]:
    """Return the week's shape, measured beside each week's own middle."""
    errors = []
    for at in range(len(days)):
        around = heights[max(0, at - 3) : at + 4]
        errors.append(heights[at] - median(around))
    return weekday_places(days, errors)


def _line(
    days: Sequence[int], heights: Sequence[float], places: tuple[float, ...], noise: float
) -> Trend:
    last = days[-1]
    slope = slope_of(days, heights)
    level = median(height - slope * (day - last) for day, height in zip(days, heights, strict=True))
    errors = [
        height - level - slope * (day - last) for day, height in zip(days, heights, strict=True)
    ]
    spread = max(spread_of(errors), noise / 2)
    number, middle = len(days), sum(days) / len(days)
    squares = sum((day - middle) ** 2 for day in days)
    wider = _widening(errors) * NORMAL_MEDIAN
    slope_error = wider * spread / math.sqrt(squares)
    level_error = wider * spread * math.sqrt(1 / number + (last - middle) ** 2 / squares)
    return Trend(slope, slope_error, level, level_error, number, last, tuple(errors), places)


def _breaks(
    trend: Trend, days: Sequence[int], heights: Sequence[float], last: int, noise: float
) -> bool:
    """Tell whether an older part of the series lies beside the line."""
    if not days:
        return False
    off = median(
        height - trend.height(day - last) for day, height in zip(days, heights, strict=True)
    )
    far = sum(last - day for day in days) / len(days)
    reach = trend.slope_error * (far - trend.days / 2)
    own = NORMAL_MEDIAN * noise / math.sqrt(len(days))
    middle = trend.slope_error * trend.days / math.sqrt(12)
    return abs(off) > BREAK * math.sqrt(reach**2 + own**2 + middle**2)


def _widening(errors: Sequence[float]) -> float:
    """Return how much less sure a line is whose errors follow one another."""
    squares = sum(error * error for error in errors)
    if squares == 0:
        return 1.0
    follow = sum(one * two for one, two in pairwise(errors)) / squares
    follow = min(MOST_CORRELATED, max(0.0, follow))
    return math.sqrt((1 + follow) / (1 - follow))


def _step_noise(heights: Sequence[float]) -> float:
    """Return the spread of single values, by the differences from day to day."""
    steps = [two - one for one, two in pairwise(heights)]
    middle = median(steps)
    return spread_of([step - middle for step in steps]) / math.sqrt(2)
