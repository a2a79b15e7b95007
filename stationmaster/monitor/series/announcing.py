"""Replay forecasts over a series: when would it have been announced, and was it true."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from stationmaster.monitor.series.days import by_day
from stationmaster.monitor.series.forecast import (
    HORIZON_DAYS,
    NEEDED_DAYS,
    Forecast,
    Outlook,
    forecast,
)
from stationmaster.monitor.series.points import DAILY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stationmaster.monitor.series.points import Series

__all__ = [
    "CONFIRMED_DAYS",
    "Announcement",
    "Foretold",
    "day_text",
    "forecast_document",
    "foretell",
]

LOOK_BACK: Final = 84
CALM: Final = (Outlook.NO_HISTORY, Outlook.NO_TREND, Outlook.AWAY)
CONFIRMED_DAYS: Final = 2
"""A crossing is announced when so many days in a row foretell it: the first day that does is apt to
be one on which noise makes the growth look steeper than it is."""

CALM_DAYS: Final = 3
"""So many days in a row without a trend to the limit end an announcement."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """Hold a crossing that was foretold for the first time, and what came of it.

    Args:
        day: The number of the last day that was known.
        told: The forecast.
        met_day: The number of the first day after it that met the limit; None: none has.
    """

    day: int
    told: Forecast
    met_day: int | None

    @property
    def true(self) -> bool | None:
        """Return whether the limit was met within the interval; None: it was not met yet."""
        if self.met_day is None:
            return None
        ahead = self.met_day - self.day
        return (self.told.earliest or 0) <= ahead <= (self.told.latest or float("inf"))


@dataclass(frozen=True, slots=True)
class Foretold:
    """Hold what is foretold at the end of a series, and what was on the way."""

    last: Forecast
    last_day: int
    met_day: int | None
    announcements: list[Announcement]


def foretell(series: Series, limit: float, *, horizon: int = HORIZON_DAYS) -> Foretold:
    """Return when a series meets a limit, as foretold on each of its days by the days before.

    Args:
        series: Daily or hourly; of hours the one nearest to the limit counts for its day.
        limit: In the series' unit.
        horizon: Days ahead beyond which nothing is announced.
    """
    days, values = by_day(series)
    falling = median(values[:NEEDED_DAYS]) > limit
    if falling:
        days, values = by_day(series, lowest=True)
    beyond = [value <= limit if falling else value >= limit for value in values]
    announcements: list[Announcement] = []
    calm, row, is_open = 0, 0, False
    told = Forecast(Outlook.NO_HISTORY, limit)
    for at in range(len(days)):
        told = _known(days, values, at, limit, horizon)
        calm = calm + 1 if told.outlook in CALM else 0
        is_open = is_open and calm < CALM_DAYS
        row = row + 1 if told.outlook is Outlook.CROSSES else 0
        if row >= CONFIRMED_DAYS and not is_open:
            is_open = True
            met = next((days[i] for i in range(at + 1, len(days)) if beyond[i]), None)
            announcements.append(Announcement(days[at], told, met))
    first = next((day for day, is_beyond in zip(days, beyond, strict=True) if is_beyond), None)
    return Foretold(told, days[-1], first, announcements)


def _known(
    days: Sequence[int], values: Sequence[float], at: int, limit: float, horizon: int
) -> Forecast:
    since = max(0, at + 1 - LOOK_BACK)
    return forecast(days[since : at + 1], values[since : at + 1], limit, horizon=horizon)


def day_text(day: int, ahead: float = 0.0) -> str:
    """Return the date so many days after a day's number."""
    return (DAILY.start_of(day) + dt.timedelta(days=round(ahead))).date().isoformat()


def forecast_document(told: Forecast, day: int) -> dict[str, Any]:
    """Return a forecast for JSON.

    Args:
        told: The forecast.
        day: The number of the last day it knew.
    """

    def moment(ahead: float | None) -> str | None:
        return None if ahead is None else day_text(day, ahead)

    since = None if told.trend_days is None else day_text(day, 1 - told.trend_days)
    return {
        "at": day_text(day),
        "outlook": told.outlook,
        "limit": told.limit,
        "level": _short(told.level),
        "growth_a_day": _short(told.growth),
        "amount_a_day": _short(told.amount),
        "trend_since": since,
        "days": told.days,
        "days_earliest": told.earliest,
        "days_latest": told.latest,
        "crosses_at": moment(told.days),
        "crosses_earliest": moment(told.earliest),
        "crosses_latest": moment(told.latest),
        "reason": told.why,
    }


def _short(number: float | None) -> float | None:
    return None if number is None else float(f"{number:.6g}")
