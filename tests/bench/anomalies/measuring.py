"""Inject faults into a series; count what is found, and the alarms on the series as it is."""

from __future__ import annotations

import copy
import random
from typing import TYPE_CHECKING, Any, Final

from stationmaster.monitor.series.announcing import CONFIRMED_DAYS
from stationmaster.monitor.series.anomalies import Watch
from stationmaster.monitor.series.calendars import Calendar
from stationmaster.monitor.series.days import by_day
from stationmaster.monitor.series.forecast import Outlook, forecast
from stationmaster.monitor.series.judgements import Kind, Standing
from stationmaster.monitor.series.points import DAILY, Point, Series
from tests.bench.anomalies.rivals import RIVALS, predict_linear

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stationmaster.monitor.series.judgements import Flag

__all__ = ["FAULTS", "alarms", "found_by_rivals", "found_by_us", "leaks", "outages", "ramps"]

FAULTS: Final[dict[str, float | None]] = {
    "drop 30 %": 0.7,
    "drop 50 %": 0.5,
    "drop 100 %": 0.0,
    "doubled": 2.0,
    "missing": None,
}
JUDGED: Final = (Standing.NORMAL, Standing.FLAGGED, Standing.CONTINUES)
RIVALS_DAYS: Final = 730
"""Rivals' alarms are counted over the last so many days: decompositions take their time."""

DAY_HOURS: Final = 24
RAMP_DAYS: Final = 21
RAMP: Final = 0.97
QUARTER_DAYS: Final = 91
LEAK_GROWTH: Final = (0.03, 0.05, 0.08)
LEAK_LIMIT: Final = 2.5
LEAK_HISTORY: Final = 60
AHEAD: Final = 3


def trials(
    series: Series, number: int, seed: int = 1, calendar: Calendar | None = None
) -> list[int]:
    """Return periods to inject faults at: drawn from those with a value, after the history."""
    known = calendar or Calendar()
    start = series.first + (35 if series.rhythm is DAILY else 28 * 24)
    able = [
        period
        for period, point in series.by_period.items()
        if period >= start and point.value > 0 and known.kind_of(point.at) is None
    ]
    rng = random.Random(seed)  # noqa: S311 (which days, no secret)
    return sorted(rng.sample(able, min(number, len(able))))


def found_by_us(
    series: Series, number: int, calendar: Calendar | None = None
) -> tuple[dict[str, float], list[Flag], int]:
    """Return the part of each fault found at once, the flags without faults, what was judged."""
    chosen = set(trials(series, number, calendar=calendar))
    watch = Watch(series.rhythm, calendar=calendar)
    found = dict.fromkeys(FAULTS, 0)
    tried = judged = 0
    for period in range(series.first, series.last + 1):
        point = series.by_period.get(period)
        if period in chosen and point is not None:
            tried += 1
            for fault, factor in FAULTS.items():
                found[fault] += _flags_it(watch, period, point, factor)
        judged += watch.see(period, point).standing in JUDGED
    return {fault: hits / tried for fault, hits in found.items()}, watch.flags, judged


def _flags_it(watch: Watch, period: int, point: Point, factor: float | None) -> bool:
    tried = copy.deepcopy(watch)
    said = tried.see(period, None if factor is None else _times(point, factor))
    return said.standing in (Standing.FLAGGED, Standing.CONTINUES)


def _times(point: Point, factor: float) -> Point:
    value = point.value * factor
    return Point(point.at, float(round(value)) if point.value == int(point.value) else value)


def found_by_rivals(series: Series, number: int) -> dict[str, dict[str, float]]:
    """Return the same for each rival, and its alarms a quarter, on a daily series."""
    periods = range(series.first, series.last + 1)
    values = [p.value if (p := series.by_period.get(period)) else None for period in periods]
    chosen = [period - series.first for period in trials(series, number)]
    figures = {}
    for name, rival in RIVALS.items():
        told = {fault: _share(rival, values, chosen, factor) for fault, factor in FAULTS.items()}
        told["alarms a quarter"] = _alarms_of(rival, values)
        figures[name] = told
    return figures


def _share(
    rival: Callable[[Sequence[float | None]], bool],
    values: Sequence[float | None],
    chosen: Sequence[int],
    factor: float | None,
) -> float:
    hits = 0
    for at in chosen:
        value = values[at]
        changed = None if factor is None or value is None else value * factor
        hits += rival([*values[max(0, at - 200) : at], changed])
    return hits / len(chosen)


def _alarms_of(
    rival: Callable[[Sequence[float | None]], bool], values: Sequence[float | None]
) -> float:
    """Return alarms in 91 days: days that are off after a day that is not; gaps are none."""
    judged, alarms, was_off = 0, 0, False
    for at in range(max(35, len(values) - RIVALS_DAYS), len(values)):
        if values[at] is None:
            continue
        judged += 1
        is_off = rival(values[max(0, at - 200) : at + 1])
        alarms += is_off and not was_off
        was_off = is_off
    return alarms / judged * QUARTER_DAYS


def alarms(flags: Sequence[Flag], judged: int, series: Series) -> dict[str, float]:
    """Return alarms in 91 days: of values that came, and of values that did not."""
    quarters = judged / (QUARTER_DAYS * series.rhythm.week / 7)
    missing = sum(flag.judgement.kind is Kind.MISSING for flag in flags)
    return {
        "alarms a quarter": (len(flags) - missing) / quarters,
        "gaps a quarter": missing / quarters,
    }


def ramps(series: Series, number: int) -> float:
    """Return the part of slow ramps (3 % a day) that are flagged within three weeks."""
    found = 0
    chosen = [period for period in trials(series, number, seed=2) if period > series.first + 90]
    chosen = [period for period in chosen if period + RAMP_DAYS <= series.last]
    for start in chosen:
        watch = Watch(series.rhythm)
        for period in range(max(series.first, start - 400), start + RAMP_DAYS):
            point = series.by_period.get(period)
            if point is not None and period >= start:
                point = _times(point, RAMP ** (period - start + 1))
            watch.see(period, point)
        kinds = (Kind.DROP, Kind.LOW_OF_LATE)
        found += any(f.judgement.period >= start and f.judgement.kind in kinds for f in watch.flags)
    return found / len(chosen) if chosen else float("nan")


def outages(series: Series, number: int) -> float:
    """Return the part of days at half their volume that are flagged within them, by the hour."""
    chosen = trials(series, number, seed=4)
    found = tried = 0
    watch = Watch(series.rhythm)
    for period in range(series.first, series.last - DAY_HOURS):
        if period in chosen:
            tried += 1
            found += _sees_outage(copy.deepcopy(watch), series, period)
        watch.see(period, series.by_period.get(period))
    return found / tried if tried else float("nan")


def _sees_outage(watch: Watch, series: Series, start: int) -> bool:
    before = len(watch.flags)
    for period in range(start, start + DAY_HOURS):
        point = series.by_period.get(period)
        watch.see(period, None if point is None else _times(point, 0.5))
    kinds = (Kind.DROP, Kind.LOW_OF_LATE)
    return any(flag.judgement.kind in kinds for flag in watch.flags[before:])


def leaks(series: Series, number: int, seed: int = 3) -> dict[str, Any]:
    """Return how leaks are announced: from a day on the series grows, to 2.5 times its highest."""
    days, values = by_day(series)
    rng = random.Random(seed)  # noqa: S311 (which days, no secret)
    counts = dict.fromkeys(("leaks", "ahead", "inside", "told", "inside at 3", "told at 3"), 0)
    linear = dict.fromkeys(("ahead", "told"), 0)
    for _ in range(number):
        start = rng.randrange(LEAK_HISTORY + 10, max(LEAK_HISTORY + 11, len(values) - 60))
        growth, share = rng.choice(LEAK_GROWTH), rng.random() < 0.5
        limit = LEAK_LIMIT * max(values[start - LEAK_HISTORY : start])
        leaked = _leak(days, values, start, growth, share=share)
        met = next((i for i in range(start, len(days)) if leaked[i] >= limit), None)
        if met is not None and days[met] - days[start] >= AHEAD:
            _announce(days, leaked, start, met, limit, counts, linear)
    calm = list(range(LEAK_HISTORY, len(days), 7))
    false = sum(_false(days, values, i) for i in calm)
    false_linear = sum(
        predict_linear(values[:i], 1.5 * max(values[i - LEAK_HISTORY : i]), days=14, ahead=14)
        is not None
        for i in calm
    )
    return {
        **counts,
        "linear": linear,
        "calm": len(calm),
        "false": false,
        "false linear": false_linear,
    }


def _leak(
    days: Sequence[int], values: Sequence[float], start: int, growth: float, *, share: bool
) -> list[float]:
    leaked = list(values)
    for i in range(start, len(values)):
        age = days[i] - days[start] + 1
        leaked[i] *= (1 + growth) ** age if share else 1 + growth * age
    return leaked


def _announce(  # noqa: PLR0913, PLR0917 (one leak, counted twice)
    days: Sequence[int],
    leaked: Sequence[float],
    start: int,
    met: int,
    limit: float,
    counts: dict[str, int],
    linear: dict[str, int],
) -> None:
    counts["leaks"] += 1
    first, row = False, 0
    for i in range(start, met):
        left = days[met] - days[i]
        since = max(0, i - 84)
        told = forecast(days[since : i + 1], leaked[since : i + 1], limit)
        crosses = told.outlook is Outlook.CROSSES
        inside = crosses and (told.earliest or 0) <= left <= (told.latest or 1e9)
        row = row + 1 if crosses else 0
        if row >= CONFIRMED_DAYS and not first:
            first = True
            counts["told"] += 1
            counts["ahead"] += left >= AHEAD
            counts["inside"] += inside
        if left == AHEAD and crosses:
            counts["told at 3"] += 1
            counts["inside at 3"] += inside
    guesses = [
        (days[met] - days[i], predict_linear(leaked[: i + 1], limit, days=14, ahead=14))
        for i in range(start, met)
    ]
    sure = [left for left, guess in guesses if guess is not None]
    linear["told"] += bool(sure)
    linear["ahead"] += bool(sure) and sure[0] >= AHEAD


def _false(days: Sequence[int], values: Sequence[float], at: int) -> bool:
    """Tell whether a crossing of 1.5 times the highest of 60 days is told that does not come."""
    limit = 1.5 * max(values[at - LEAK_HISTORY : at])
    since = max(0, at - 84)
    told = forecast(days[since:at], values[since:at], limit)
    if told.outlook is not Outlook.CROSSES:
        return False
    return not any(value >= limit for value in values[at : at + round(told.latest or 60)])
