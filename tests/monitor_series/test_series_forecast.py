"""When a series meets a limit is told with an interval, and only where something grows."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stationmaster.monitor.series.announcing import foretell
from stationmaster.monitor.series.days import by_day
from stationmaster.monitor.series.forecast import Outlook, forecast
from stationmaster.monitor.series.points import HOURLY, Series
from stationmaster.monitor.series.trends import fit_trend, slope_of
from tests.monitor_series.made import made


def grown(
    days: int, growth: float, *, since: int = 0, noise: float = 0.03, seed: int = 1
) -> Series:
    """Return a series that is steady and from a day on grows by a part a day."""
    changes = {day: (1 + growth) ** (day - since) for day in range(since, days)}
    return made(days, noise=noise, seed=seed, changes=changes)


def flat_growth(days: int, growth: float, noise: float, seed: int = 1) -> list[float]:
    """Return values without a week's shape that grow by a part a day."""
    rng = random.Random(seed)  # noqa: S311 (noise, no secret)
    return [100 * (1 + growth) ** day * math.exp(rng.gauss(0, noise)) for day in range(days)]


def test_growth_by_a_share_is_told_with_its_rate_and_interval() -> None:
    """At 9 % a day from 100, the limit of 300 is met between the fourth and the ninth day."""
    told = forecast(range(20), flat_growth(20, 0.09, 0.02)[:20], 100 * 1.09**24)

    assert told.outlook is Outlook.CROSSES
    assert told.growth == pytest.approx(0.09, abs=0.01)
    assert told.earliest is not None
    assert told.latest is not None
    assert 2 <= told.earliest <= 5 <= told.latest <= 9
    assert told.why.startswith("+9")


def test_growth_by_an_amount_is_told_too() -> None:
    """A leak of 10 a day on 500 meets 800 after 11 more days of it."""
    values = [500 + 10 * day + (day * 7 % 5 - 2) for day in range(20)]

    told = forecast(range(20), values, 800)

    assert told.outlook is Outlook.CROSSES
    assert told.amount == pytest.approx(10, rel=0.1)
    assert told.earliest is not None
    assert told.latest is not None
    assert told.earliest <= 11 <= told.latest


@pytest.mark.parametrize("seed", range(6))
def test_where_nothing_grows_nothing_is_foretold(seed: int) -> None:
    """Noise around a level is no trend, however near the limit is."""
    told = forecast(range(60), flat_growth(60, 0.0, 0.1, seed), 140)

    assert told.outlook is Outlook.NO_TREND
    assert (told.days, told.earliest, told.latest) == (None, None, None)


def test_a_trend_is_told_from_where_it_began() -> None:
    """A leak that began 12 days ago after a steady month goes back 12 days, not 42."""
    values = flat_growth(42, 0.0, 0.02)
    values = [v * 1.08 ** max(0, day - 29) for day, v in enumerate(values)]

    told = forecast(range(42), values, 1000)

    assert told.trend_days is not None
    assert told.trend_days <= 14
    assert told.growth == pytest.approx(0.08, abs=0.015)


def test_too_little_history_says_how_little() -> None:
    """Nine days tell nothing, and the answer says how many would."""
    told = forecast(range(9), [1.0] * 9, 5)

    assert (told.outlook, told.why) == (Outlook.NO_HISTORY, "Not enough history: 9 of 14 days.")


def test_a_series_beyond_its_limit_or_going_away_is_told_so() -> None:
    """What is past is no forecast, and what falls does not meet a limit above it."""
    rising = flat_growth(30, 0.05, 0.01)

    assert forecast(range(30), rising, 150).outlook is Outlook.CROSSED
    assert forecast(range(30), rising[::-1], 2000).outlook is Outlook.AWAY


def test_what_falls_to_a_limit_is_foretold_as_well() -> None:
    """A disk's free space that shrinks by 5 % a day meets its last tenth in time."""
    free = flat_growth(30, -0.05, 0.01)

    told = forecast(range(30), free, free[-1] * 0.95**7)

    assert told.outlook is Outlook.CROSSES
    assert told.earliest is not None
    assert told.latest is not None
    assert told.earliest <= 7 <= told.latest


def test_a_week_with_a_shape_is_no_trend() -> None:
    """From Sunday to Wednesday volume doubles, every week: nobody is told of a trend."""
    outlooks = {forecast(*by_day(made(days, noise=0.03)), 3000.0).outlook for days in range(30, 60)}

    assert outlooks == {Outlook.NO_TREND}


def test_a_leak_is_announced_days_ahead_and_once() -> None:
    """A replay says when the crossing was first told, that it came true, and not each day."""
    series = grown(90, 0.05, since=50)
    limit = 4000.0

    foretold = foretell(series, limit)

    assert foretold.met_day is not None
    (announced,) = [each for each in foretold.announcements if each.met_day == foretold.met_day]
    assert announced.true
    assert foretold.met_day - announced.day >= 3


def test_of_hours_the_highest_of_each_day_counts() -> None:
    """A limit is met by an hour: the day's mean says nothing of it; a young day is left out."""
    series = made(24 * 20 + 5, rhythm=HOURLY, noise=0.0)

    days, values = by_day(series)

    assert len(days) == 20
    assert values[0] == max(
        point.value for period, point in series.by_period.items() if period // 24 == days[0]
    )


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(1, 1000),
    growth=st.floats(min_value=-0.05, max_value=0.1),
    exponent=st.integers(min_value=-20, max_value=20),
)
def test_the_unit_does_not_change_when(seed: int, growth: float, exponent: int) -> None:
    """Bytes or GiB: the same days, the same interval."""
    values, unit = flat_growth(30, growth, 0.03, seed), 2.0**exponent

    one = forecast(range(30), values, 3000)
    other = forecast(range(30), [value * unit for value in values], 3000 * unit)

    assert (one.outlook, one.days, one.earliest, one.latest) == (
        other.outlook,
        other.days,
        other.earliest,
        other.latest,
    )


@given(
    slope=st.floats(min_value=-5, max_value=5),
    wild=st.lists(st.integers(0, 19), max_size=4, unique=True),
)
def test_a_fifth_of_wild_values_does_not_turn_the_slope(slope: float, wild: list[int]) -> None:
    """The median of all pairs' slopes stays near the line that most points are on."""
    heights = [slope * day + (1e6 if day in wild else 0.0) for day in range(20)]

    assert slope_of(range(20), heights) == pytest.approx(slope, abs=1e-3) or len(wild) == 4


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 500), st.integers(10, 84))
def test_a_line_goes_back_no_further_than_its_series(seed: int, days: int) -> None:
    """The days of a trend are days that there are, and its errors are as many."""
    trend = fit_trend(range(days), [math.log(v) for v in flat_growth(days, 0.02, 0.05, seed)])

    assert 7 <= trend.days <= days
    assert len(trend.errors) == trend.days
