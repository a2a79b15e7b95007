"""What people read of a forecast: what, how fast, since when, until when, and what to do."""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING

import pytest

from stationmaster.monitor.series.outlooks import GIB, creeping_outlook, memory_outlook
from stationmaster.monitor.series.points import DAILY, Point, Series
from tests.monitor_series.made import MONDAY

if TYPE_CHECKING:
    from collections.abc import Callable


def growing(level: float, growth: float, days: int = 34, since: int = 24) -> Series:
    """Return a series that grows by a part a day from a day on, with 2 % noise."""
    rng = random.Random(1)  # noqa: S311 (noise, no secret)
    values = [level * (1 + growth) ** max(0, n - since) for n in range(days)]
    points = [
        Point(MONDAY + dt.timedelta(days=n), value * rng.lognormvariate(0, 0.02))
        for n, value in enumerate(values)
    ]
    return Series.of("made", points, DAILY)


def test_a_leak_is_told_with_its_growth_its_days_and_a_size() -> None:
    """Nine per cent more a day: how much, how long it goes on, when it is over, what to give."""
    told = memory_outlook("morning/merge", growing(0.3 * GIB, 0.09), GIB)

    assert told.is_due
    assert "+9 % a day for " in told.sentence
    assert ": out of memory in " in told.sentence
    assert told.sentence.endswith(" days.")
    assert told.action.startswith("Recommended: ")
    assert told.action.endswith(" GiB.")


@pytest.mark.parametrize(
    ("measure", "level", "now"),
    [
        ("duration", 300.0, " min, "),
        ("duration", 40.0, " s, "),
        ("share quarantined", 0.01, " %, "),
    ],
)
def test_what_creeps_is_told_in_its_unit(measure: str, level: float, now: str) -> None:
    """Seconds are minutes where there are many, shares are per cent."""
    told = creeping_outlook("morning/extract", growing(level, 0.05), measure)

    assert told.is_due
    assert now in told.sentence
    assert "twice what it was (" in told.sentence


def test_what_creeps_names_the_day_on_which_it_began() -> None:
    """The next action says about when to look for a change, as a date."""
    told = creeping_outlook("morning/extract", growing(300.0, 0.05), "duration")

    began = DAILY.start_of(told.day - (told.forecast.trend_days or 0) + 1).date()
    assert f"changed about {began.isoformat()}: " in told.action


@pytest.mark.parametrize("build", [memory_outlook, creeping_outlook])
def test_one_day_is_heading_for_nothing(build: Callable[..., object]) -> None:
    """The first day of a step has no outlook, and is no error."""
    first = Series.of("made", [Point(MONDAY, 1.0)], DAILY)

    told = build("morning/merge", first, GIB if build is memory_outlook else "duration")

    assert not getattr(told, "is_due", True)
