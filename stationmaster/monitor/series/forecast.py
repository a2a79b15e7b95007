"""Say when a series will meet a limit, from when to when, and say nothing where nothing grows.

Two forms are asked: growth by a share a day (a line on the log scale), and growth by an amount a
day. Each weighs as it fits. Futures are drawn from their lines' errors and their values' errors;
what is told is when the first value meets the limit. The draws are seeded: the same series has the
same forecast.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.series.trends import LEAST_DAYS, Trend, fit_trend

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["HORIZON_DAYS", "NEEDED_DAYS", "Forecast", "Outlook", "forecast"]

NEEDED_DAYS: Final = 14
HORIZON_DAYS: Final = 30
LOOK_BACK: Final = 84
CERTAIN: Final = 4.0
"""A slope fewer standard errors from none is no trend."""

LEAST_GROWTH: Final = 0.02
"""A window over which a series grew by less than this part is no trend."""

MOST_LATE: Final = 4
"""What may also be so many horizons away is not announced."""

DRAWS: Final = 300
FARTHEST_DAYS: Final = 200
COVERED: Final = (0.015, 0.985)
LEAST_WEIGHT: Final = 0.35
"""Of each form that may be it: few days do not tell a share from an amount."""

MOST_MISFIT: Final = 4.0
"""A form whose errors are so many times the other's is not it."""

SLOPE_DOUBT: Final = 2.5
"""A trend also changes: its error is taken so many times, found on the series for tuning."""


class Outlook(StrEnum):
    """Name what a forecast says."""

    CROSSES = "crosses"
    CROSSED = "is beyond it already"
    NOT_SOON = "not within the horizon"
    AWAY = "moves away from it"
    NO_TREND = "no trend"
    NO_HISTORY = "not enough history"


@dataclass(frozen=True, slots=True)
class Forecast:
    """Say when a series meets a limit; days are counted from its last value.

    Args:
        outlook: What is foretold.
        limit: In the series' unit.
        days: The middle of when the first value meets it; None where it does not.
        earliest: With 98.5 % it is not before.
        latest: With 98.5 % it is not after; None: it may not happen at all.
        growth: Part that the series grows by a day (0.09: 9 %); None without a trend.
        amount: The same in the series' unit, at its level now.
        trend_days: How far back this trend goes.
        level: Where the series stands now, without noise.
        why: One sentence.
    """

    outlook: Outlook
    limit: float
    days: float | None = None
    earliest: float | None = None
    latest: float | None = None
    growth: float | None = None
    amount: float | None = None
    trend_days: int | None = None
    level: float | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Form:
    """Hold a line in one of the two forms, and how far the values are off it, as a part of them."""

    trend: Trend
    logarithmic: bool
    misfit: float

    def value_of(self, height: float) -> float:
        return math.exp(min(700.0, height)) if self.logarithmic else height

    def height_of(self, value: float) -> float:
        return math.log(value) if self.logarithmic else value


def forecast(
    days: Sequence[int], values: Sequence[float], limit: float, *, horizon: int = HORIZON_DAYS
) -> Forecast:
    """Return when a series meets a limit.

    Args:
        days: Numbers of days, ascending; gaps are fine.
        values: One for each.
        limit: Above the series: growth to it; below all of it: the fall to it.
        horizon: Days ahead beyond which nothing is told.
    """
    number = len(days)
    if number < NEEDED_DAYS:
        why = f"Not enough history: {number} of {NEEDED_DAYS} days."
        return Forecast(Outlook.NO_HISTORY, limit, why=why)
    days, values = days[-LOOK_BACK:], values[-LOOK_BACK:]
    falling = median(values) > limit and min(values[: number // 2 or 1]) > limit
    sign = -1.0 if falling else 1.0
    if sign * (median(values[-3:]) - limit) >= 0:
        return Forecast(Outlook.CROSSED, limit, why="The last values are beyond it.")
    forms = _forms(days, values, limit)
    best = max(forms, key=lambda form: -form.misfit)
    told = _told(best)
    rising = sign * best.trend.certainty
    if abs(rising) < CERTAIN or abs(told["growth"] or 0.0) * best.trend.days < LEAST_GROWTH:
        why = f"No trend in the last {best.trend.days} days."
        return Forecast(Outlook.NO_TREND, limit, level=told["level"], why=why)
    if rising < 0:
        return Forecast(Outlook.AWAY, limit, **told, why="It moves away from the limit.")  # type: ignore[arg-type]
    return _crossing(forms, limit, sign, told, horizon)


def _forms(days: Sequence[int], values: Sequence[float], limit: float) -> list[_Form]:
    """Return the line of shares, where all values are positive, and the line of amounts."""
    scale = median(abs(value) for value in values) or 1.0
    amounts = fit_trend(days, [value / scale for value in values]).times(scale)
    forms = [_Form(amounts, logarithmic=False, misfit=_misfit(amounts, days, values, log=False))]
    if min(values) > 0 and limit > 0:
        shares = fit_trend(days, [math.log(value) for value in values])
        forms.append(
            _Form(shares, logarithmic=True, misfit=_misfit(shares, days, values, log=True))
        )
    return forms


def _misfit(trend: Trend, days: Sequence[int], values: Sequence[float], *, log: bool) -> float:
    """Return the mean error of a line over the last days, as a part of the value."""
    offs = []
    for day, value in list(zip(days, values, strict=True))[-max(trend.days, 2 * LEAST_DAYS) :]:
        height = trend.height(day - trend.last) + trend.place(day - trend.last)
        told = math.exp(min(700.0, height)) if log else height
        offs.append(abs(value - told) / max(abs(value), 1e-12))
    return sum(offs) / len(offs)


def _told(form: _Form) -> dict[str, float | int | None]:
    trend = form.trend
    level = form.value_of(trend.level)
    if form.logarithmic:
        growth = math.expm1(trend.slope)
        amount = level * growth
    else:
        amount = trend.slope
        growth = amount / abs(level) if level else 0.0
    return {"growth": growth, "amount": amount, "trend_days": trend.days, "level": level}


def _crossing(
    forms: Sequence[_Form],
    limit: float,
    sign: float,
    told: dict[str, float | int | None],
    horizon: int,
) -> Forecast:
    draws = _draws(forms, limit, sign)
    earliest, middle, latest = (
        draws[min(len(draws) - 1, int(part * len(draws)))] for part in (COVERED[0], 0.5, COVERED[1])
    )
    last = None if latest > FARTHEST_DAYS else latest
    soon = middle <= horizon and latest <= MOST_LATE * horizon
    outlook = Outlook.CROSSES if soon else Outlook.NOT_SOON
    why = _sentence(told, earliest, last) if soon else "It is far off, or too unsure to tell."
    days = middle if middle <= FARTHEST_DAYS else None
    return Forecast(outlook, limit, days, earliest, last, **told, why=why)  # type: ignore[arg-type]


def _draws(forms: Sequence[_Form], limit: float, sign: float) -> list[float]:
    """Return when drawn futures meet the limit, in days, sorted."""
    least = max(min(form.misfit for form in forms), 1e-6)
    fitting = [
        form
        for form in forms
        if form.misfit <= MOST_MISFIT * least and sign * form.trend.certainty > CERTAIN / 2
    ]
    fitting = fitting or [min(forms, key=lambda form: form.misfit)]
    total = sum(1 / max(form.misfit, 1e-6) ** 2 for form in fitting)
    found = []
    for form in fitting:
        weight = 1 / max(form.misfit, 1e-6) ** 2 / total
        if len(fitting) > 1:
            weight = min(1 - LEAST_WEIGHT, max(LEAST_WEIGHT, weight))
        found += _first_passages(form, form.height_of(limit), sign, round(DRAWS * weight))
    return sorted(found)


def _first_passages(form: _Form, limit: float, sign: float, draws: int) -> list[float]:
    rng = random.Random(7)  # noqa: S311 (draws of futures, no secret)
    trend, found = form.trend, []
    for _ in range(draws):
        slope = trend.slope + rng.gauss(0, 1) * SLOPE_DOUBT * trend.slope_error
        level = trend.level + rng.gauss(0, 1) * trend.level_error
        found.append(_passage(trend, sign * level, sign * slope, sign * limit, sign, rng))
    return found


def _passage(  # noqa: PLR0913, PLR0917 (a drawn future)
    trend: Trend, level: float, slope: float, limit: float, sign: float, rng: random.Random
) -> float:
    """Return on which day a drawn future meets the limit; beyond FARTHEST_DAYS: never."""
    if slope <= 0:
        return FARTHEST_DAYS + 1.0
    highest = max(sign * error for error in trend.errors) + max(sign * p for p in trend.places)
    first = max(1, math.floor((limit - highest - level) / slope))
    for day in range(first, FARTHEST_DAYS + 1):
        noise = sign * (rng.choice(trend.errors) + trend.place(day))
        if level + slope * day + noise >= limit:
            return float(day)
    return FARTHEST_DAYS + 1.0


def _sentence(told: dict[str, float | int | None], earliest: float, latest: float | None) -> str:
    growth = told["growth"] or 0.0
    rate = f"{growth * 100:+.1f} %" if abs(growth) < 0.1 else f"{growth * 100:+.0f} %"  # noqa: PLR2004 (ten per cent need no digit)
    late = FARTHEST_DAYS if latest is None else latest
    same = round(earliest) == round(late)
    until = f"{late:.0f} days" if same else f"{earliest:.0f} to {late:.0f} days"
    return f"{rate} a day for {told['trend_days']} days: meets the limit in {until}."
