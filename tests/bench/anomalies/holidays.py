"""Calendars for the benchmark, as an owner of the series would write them down beforehand."""

from __future__ import annotations

import datetime as dt
from typing import Final

__all__ = ["CALENDARS", "british_shop", "united_states"]

MONDAY, THURSDAY = 0, 3


def british_shop() -> dict[dt.date, str]:
    """Return bank holidays of England and Wales, 2010 and 2011, and the days around Christmas."""
    single = (
        *("2010-04-02", "2010-04-05", "2010-05-03", "2010-05-31", "2010-08-30"),
        *("2011-04-22", "2011-04-25", "2011-04-29", "2011-05-02", "2011-05-30", "2011-08-29"),
    )
    days = {dt.date.fromisoformat(text): "no-data" for text in single}
    for year in (2009, 2010):
        christmas = dt.date(year, 12, 23)
        days |= {christmas + dt.timedelta(days=n): "holiday" for n in range(13)}
    return days


def united_states() -> dict[dt.date, str]:
    """Return federal holidays of 2010 to 2016, also as observed, and the days beside them.

    Beside: the Friday after Thanksgiving, the eves of Christmas and New Year, the day after each.
    """
    days: set[dt.date] = set()
    for year in range(2009, 2018):
        floating = [(1, MONDAY, 3), (2, MONDAY, 3), (9, MONDAY, 1), (10, MONDAY, 2)]
        days |= {_nth(year, month, weekday, number) for month, weekday, number in floating}
        days.add(_nth(year, 6, MONDAY, 1) - dt.timedelta(days=7))  # the last Monday of May
        thanksgiving = _nth(year, 11, THURSDAY, 4)
        days |= {thanksgiving, thanksgiving + dt.timedelta(days=1)}
        for month, day in ((1, 1), (7, 4), (11, 11), (12, 25)):
            days |= _observed(dt.date(year, month, day))
        days |= {dt.date(year, month, day) for month, day in ((12, 24), (12, 26), (12, 31), (1, 2))}
    return dict.fromkeys(sorted(days), "holiday")


def _nth(year: int, month: int, weekday: int, number: int) -> dt.date:
    first = dt.date(year, month, 1)
    return first + dt.timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))


def _observed(day: dt.date) -> set[dt.date]:
    """Return a fixed holiday, and the weekday on which it is kept when it is on a weekend."""
    kept = {5: day - dt.timedelta(days=1), 6: day + dt.timedelta(days=1)}
    return {day, kept.get(day.weekday(), day)}


_UNITED_STATES: Final = (
    *("US births 2010-14", "flights of EWR", "flights of JFK", "flights of LGA"),
    "traffic of San Francisco",
)
CALENDARS: Final = {
    "retail orders": british_shop,
    "retail lines": british_shop,
    **dict.fromkeys(_UNITED_STATES, united_states),
}
