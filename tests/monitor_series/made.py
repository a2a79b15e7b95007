"""Series for tests: a week's shape, noise that is the same each time."""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING

from stationmaster.monitor.series.points import DAILY, Point, Series

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stationmaster.monitor.series.points import Rhythm

__all__ = ["MONDAY", "made", "week_day", "with_values"]

MONDAY = dt.datetime(2011, 1, 3)  # noqa: DTZ001 (series are on the wall clock)
WEEK = (1.0, 1.1, 1.2, 1.1, 0.9, 0.4, 0.3)


def week_day(day: int, level: float = 1000.0) -> float:
    """Return what a day of the made week is without noise; day 0 is a Monday."""
    return level * WEEK[day % 7]


def made(  # noqa: PLR0913 (what a series is made of)
    days: int,
    *,
    level: float = 1000.0,
    growth: float = 0.0,
    noise: float = 0.05,
    seed: int = 1,
    rhythm: Rhythm = DAILY,
    changes: Mapping[int, float] | None = None,
) -> Series:
    """Return a series with a week's shape.

    Args:
        days: How many values (hours, for an hourly rhythm).
        level: Of a Monday.
        growth: Part that it grows by a value.
        noise: Standard deviation on the log scale.
        seed: Of the noise.
        rhythm: Of the series.
        changes: Factor of single values, by their number.
    """
    rng = random.Random(seed)  # noqa: S311 (noise, no secret)
    step = dt.timedelta(seconds=rhythm.seconds)
    points = []
    for number in range(days):
        day = number if rhythm is DAILY else number // 24
        shape = 1.0 if rhythm is DAILY else 0.2 + abs(number % 24 - 12) / 12
        value = week_day(day, level) * shape * (1 + growth) ** number
        value *= 2.718281828 ** rng.gauss(0, noise) * (changes or {}).get(number, 1.0)
        points.append(Point(MONDAY + number * step, value))
    return Series.of("made", points, rhythm)


def with_values(series: Series, values: Mapping[int, float | None]) -> Series:
    """Return a series with some values replaced, by their number; None takes one out."""
    points = dict(enumerate(series.by_period.values()))
    for number, value in values.items():
        old = points.pop(number)
        if value is not None:
            points[number] = Point(old.at, value)
    return Series.of(series.name, points.values(), series.rhythm)
