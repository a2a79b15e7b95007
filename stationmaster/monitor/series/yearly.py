"""Days that are off every year: holidays that nobody wrote into a calendar."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.series.points import DAILY

if TYPE_CHECKING:
    from stationmaster.monitor.series.points import Rhythm

__all__ = ["Yearly"]

YEARS: Final = 2
"""A holiday that was on a weekend last year shows only the year before."""

FARTHER: Final = -math.log1p(-0.3)
"""What is off by 30 % more than it was then is news all the same."""


class Yearly:
    """Remember how far off which dates were; only of daily series.

    A date is the day of its month (25 December) and the weekday of its month (fourth Thursday of
    November, last Monday of May).
    """

    def __init__(self, rhythm: Rhythm) -> None:
        self._rhythm = rhythm
        self._errors: dict[tuple[str, int, int, int], tuple[int, float]] = {}

    def year_of(self, period: int, error: float) -> int | None:
        """Return in which year the same date was as far off to the same side; None: in none.

        Args:
            period: The day's number.
            error: How far it is off, on the scale.
        """
        if self._rhythm is not DAILY:
            return None
        day = self._rhythm.start_of(period).date()
        for key in _dates(day):
            year, then = self._errors.get(key, (0, 0.0))
            same = then * error > 0 and abs(error) <= abs(then) + FARTHER
            if 0 < day.year - year <= YEARS and same:
                return year
        return None

    def note(self, period: int, error: float) -> None:
        """Remember a day that was off."""
        if self._rhythm is DAILY:
            day = self._rhythm.start_of(period).date()
            self._errors |= dict.fromkeys(_dates(day), (day.year, error))


def _dates(day: dt.date) -> list[tuple[str, int, int, int]]:
    """Return what a date is called: by its day, by its weekday, by its last weekday."""
    last = (day + dt.timedelta(days=7)).month != day.month
    names = [
        ("day", day.month, day.day, 0),
        ("weekday", day.month, day.weekday(), (day.day + 6) // 7),
    ]
    return [*names, ("last weekday", day.month, day.weekday(), 0)] if last else names
