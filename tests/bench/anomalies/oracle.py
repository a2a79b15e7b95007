"""What is possible at all: halved days found by one who knows the future, and the noise.

Each day is expected by the days on *both* sides of it, and by the same weekdays before and after;
the threshold is the one that, in hindsight, alarms just once a quarter. Nobody who must say it in
the morning has either. Of several widths, of a threshold for all days and one that follows the
noise around, and of our own errors, the best counts.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

from stationmaster.monitor.series.anomalies import Watch
from stationmaster.monitor.series.scales import Scale, hodges_lehmann, spread_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stationmaster.monitor.series.points import Series

__all__ = ["at_best"]

QUARTER_DAYS: Final = 91
WIDTHS: Final = (1, 2, 3, 5, 7, 14)
WEEKS: Final = 8
LEAST_SAME: Final = 4
AROUND: Final = 56
LEAST_SPREAD: Final = 0.02


class _Day(NamedTuple):
    """Hold how far a day is off on the scale, as it came and halved, and the noise around it."""

    error: float
    halved: float
    spread: float


def at_best(series: Series) -> float:
    """Return the part of 50 % drops that could be found at one false alarm a quarter."""
    values = {period: point.value for period, point in series.by_period.items()}
    scale = Scale.of(list(values.values()))
    ways = [_both_sides(values, scale, width) for width in WIDTHS]
    return max(_found(days) for days in [*ways, _our_own(series)])


def _found(days: Sequence[_Day]) -> float:
    """Return the part of halved days beyond the best threshold, for both kinds of it."""
    alarms = len(days) // QUARTER_DAYS
    shares = []
    for unit in (lambda _: 1.0, lambda day: day.spread):
        threshold = sorted(day.error / unit(day) for day in days)[alarms]
        shares.append(sum(day.halved / unit(day) < threshold for day in days) / len(days))
    return max(shares)


def _both_sides(values: Mapping[int, float], scale: Scale, width: int) -> list[_Day]:
    heights = {period: scale.of_value(value) for period, value in values.items()}
    beside = {
        period: height - median(heights[p] for p in range(period - 3, period + 4) if p in heights)
        for period, height in heights.items()
    }
    places = {}
    for period in heights:
        same = [beside.get(period + 7 * week) for week in range(-WEEKS, WEEKS + 1) if week]
        known = [each for each in same if each is not None]
        if len(known) >= LEAST_SAME:
            places[period] = hodges_lehmann(known)
    expected = {}
    for period, place in places.items():
        near = [p for p in range(period - width, period + width + 1) if p != period]
        levels = [heights[p] - places[p] for p in near if p in places]
        if levels:
            expected[period] = hodges_lehmann(levels) + place
    errors = {period: heights[period] - height for period, height in expected.items()}
    return [
        _Day(error, scale.of_value(values[period] / 2) - expected[period], _noise(errors, period))
        for period, error in errors.items()
        if values[period] > 0
    ]


def _noise(errors: Mapping[int, float], period: int) -> float:
    around = range(period - AROUND, period + AROUND + 1)
    known = [errors[each] for each in around if each != period and each in errors]
    return max(LEAST_SPREAD, spread_of(known)) if known else 1.0


def _our_own(series: Series) -> list[_Day]:
    """Return our own errors, each told by what came before it."""
    watch, days = Watch(series.rhythm), []
    for period in range(series.first, series.last + 1):
        point = series.by_period.get(period)
        watch.judge.range_of(period)
        expected, baseline = watch.judge.expected, watch.judge.baseline
        if point and point.value > 0 and baseline and expected and expected.spread:
            at = baseline.scale.of_value
            error, halved = (at(v) - expected.height for v in (point.value, point.value / 2))
            days.append(_Day(error, halved, expected.spread))
        watch.see(period, point)
    return days
