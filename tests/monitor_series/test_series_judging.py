"""What is flagged in a series, once and with its reason, and what is not."""

from __future__ import annotations

import datetime as dt

import pytest

from stationmaster.monitor.series.anomalies import Replay, replay
from stationmaster.monitor.series.calendars import Calendar
from stationmaster.monitor.series.judgements import Kind, Standing
from stationmaster.monitor.series.limits import Sensitivity
from stationmaster.monitor.series.points import HOURLY, Point, Series
from tests.monitor_series.made import MONDAY, made, week_day, with_values


def kinds(found: Replay) -> list[tuple[int, Kind | None]]:
    """Return the number of each flag's value, and what it is about."""
    first = found.judgements[0].period
    return [(flag.judgement.period - first, flag.judgement.kind) for flag in found.flags]


@pytest.mark.parametrize("seed", range(4))
def test_a_steady_year_has_no_alarm(seed: int) -> None:
    """A year with a week's shape and 5 % noise raises nothing."""
    assert replay(made(365, seed=seed)).flags == []


@pytest.mark.parametrize(("factor", "kind"), [(0.5, Kind.DROP), (0.0, Kind.DROP), (2.0, Kind.RISE)])
@pytest.mark.parametrize("day", [80, 82, 83])
def test_half_nothing_and_double_are_found_at_the_first_value(
    factor: float, kind: Kind, day: int
) -> None:
    """A day that is off is flagged as itself, on weekdays as on weekends."""
    found = replay(made(day + 1, changes={day: factor}))

    assert kinds(found) == [(day, kind)]


def test_a_flag_says_what_came_and_what_was_expected() -> None:
    """The reason names the value, how far off it is, what it is compared with, and the range."""
    series = with_values(made(85, noise=0.02), {84: 400.0})

    flag = replay(series).flags[0].judgement

    assert flag.range is not None
    assert flag.range.low < week_day(0) * 0.8 < flag.range.expected < flag.range.high
    assert flag.why.startswith("400 is ")
    assert "% below what is expected of Mondays now" in flag.why


def test_a_quiet_weekend_is_no_drop_and_a_busy_one_is_a_rise() -> None:
    """A value is compared with its own weekday: a Monday's volume is too much on a Sunday."""
    found = replay(with_values(made(84), {83: week_day(0)}))

    assert kinds(found) == [(83, Kind.RISE)]


def test_short_histories_say_how_short() -> None:
    """Below 28 days nothing ordinary is judged, and the standing says how many there are."""
    last = replay(made(20)).judgements[-1]

    assert last.standing is Standing.LEARNING
    assert last.why == "Not enough history: 19 of 28 values."


def test_ten_days_flag_nothing_whatever_comes() -> None:
    """With less than two weeks of history even nothing is no alarm."""
    assert replay(with_values(made(11), {10: 0.0})).flags == []


def test_two_weeks_flag_only_what_is_beyond_all_that_came() -> None:
    """With two weeks of history, less than half of the lowest value ever is flagged."""
    found = replay(with_values(made(17), {16: 50.0}))

    assert kinds(found) == [(16, Kind.DROP)]


def test_a_new_level_is_flagged_once_and_becomes_normal() -> None:
    """After seven days at half the volume, that is the normal one, and the old is a rise."""
    halved = dict.fromkeys(range(90, 130), 0.5)

    found = replay(made(135, changes=halved))

    assert kinds(found) == [(90, Kind.DROP), (130, Kind.RISE)]
    assert found.flags[0].accepted_period == found.judgements[96].period


def test_an_acknowledged_level_is_normal_at_once() -> None:
    """Who says that a flag's level is fine hears no more of it, and is told when it leaves it."""
    series = made(100, changes=dict.fromkeys(range(90, 95), 0.5))
    flag = replay(series).flags[0]

    found = replay(series, acknowledged={flag.judgement.period})

    assert kinds(found) == [(90, Kind.DROP), (95, Kind.RISE)]


def test_steady_growth_is_no_anomaly() -> None:
    """A series that grows 1 % a day for half a year alarms nobody."""
    assert replay(made(200, growth=0.01)).flags == []


def test_a_slow_ramp_down_is_found_though_no_day_is_off() -> None:
    """A fall of 3 % a day from a steady level is told as low of late."""
    ramp = {day: 0.97 ** (day - 119) for day in range(120, 160)}

    found = replay(made(160, noise=0.08, changes=ramp))

    assert next(kind for _, kind in kinds(found)) in (Kind.LOW_OF_LATE, Kind.DROP)
    assert kinds(found)[0][0] < 150


def test_a_missing_day_is_flagged_with_what_was_expected_and_a_gap_is_one_flag() -> None:
    """A weekday that came each week and now does not is missing; its gap is told once."""
    found = replay(with_values(made(90), {80: None, 81: None, 82: None}))

    assert kinds(found) == [(80, Kind.MISSING)]
    assert found.flags[0].periods == 3
    assert found.flags[0].judgement.range is not None


def test_a_weekday_that_never_has_data_is_not_missing() -> None:
    """A business that is closed on Sundays is not told so every week."""
    closed = dict.fromkeys(range(6, 120, 7))

    assert replay(with_values(made(120), closed)).flags == []


def test_what_is_due_by_now_is_missing_too() -> None:
    """A series that just ends is flagged when it is asked up to now."""
    series = made(60)

    found = replay(series, until=MONDAY + dt.timedelta(days=61))

    assert kinds(found) == [(60, Kind.MISSING)]


def test_days_of_the_calendar_are_neither_judged_nor_learned() -> None:
    """Christmas without orders is nothing, and changes nothing about the days after it."""
    christmas = (MONDAY + dt.timedelta(days=80)).date()
    calendar = Calendar({christmas: "no-data"})
    with_data = replay(with_values(made(100), {80: 0.0}), calendar=calendar)
    without = replay(with_values(made(100), {80: None}), calendar=calendar)

    assert with_data.flags == without.flags == []
    assert with_data.judgements[-1] == without.judgements[-1]


def test_late_data_is_not_low_data_but_too_much_is_too_much() -> None:
    """A day that is not complete is no drop; one that is already far too high is a rise."""
    series = made(81)
    at, value = MONDAY + dt.timedelta(days=81), week_day(81)
    few = {**series.by_period, series.last + 1: Point(at, value / 4, complete=False)}
    many = {**series.by_period, series.last + 1: Point(at, value * 4, complete=False)}

    assert replay(Series("few", series.rhythm, few)).judgements[-1].standing is Standing.INCOMPLETE
    assert replay(Series("many", series.rhythm, many)).judgements[-1].kind is Kind.RISE


def test_errors_that_rarely_happen_are_judged_by_their_own_kind() -> None:
    """Zeros are normal where most days have none; only far more than ever is flagged."""
    rare = {day: (3.0 if day % 5 == 0 else 0.0) for day in range(200)}
    calm = with_values(made(200), rare)

    assert replay(calm).flags == []
    assert kinds(replay(with_values(calm, {199: 90.0}))) == [(199, Kind.RISE)]


def test_a_rare_thing_that_stays_away_is_silent() -> None:
    """What came every five days and does not for twelve is told once."""
    rare = {day: (3.0 if day % 5 == 0 and day < 180 else 0.0) for day in range(200)}

    assert [kind for _, kind in kinds(replay(with_values(made(200), rare)))] == [Kind.SILENT]


def test_an_hour_is_compared_with_its_hour_of_the_week() -> None:
    """In an hourly series a lost hour is found at once, whatever the time of the day."""
    hours = 24 * 7 * 6
    lost = [hours - 30, hours - 20]

    found = replay(made(hours, rhythm=HOURLY, changes=dict.fromkeys(lost, 0.2)))

    assert kinds(found) == [(number, Kind.DROP) for number in lost]


def test_a_clock_that_changes_is_told_for_some_days_and_not_for_ever() -> None:
    """A day's shape that moves by three hours costs at most a flag an hour of the day."""
    weeks = made(24 * 7 * 14, rhythm=HOURLY, noise=0.03)
    values = [point.value for point in weeks.by_period.values()]
    change = 24 * 7 * 6
    moved = {at: values[at - 3] for at in range(change, len(values))}

    found = replay(with_values(weeks, dict(moved)))

    numbers = [number for number, _ in kinds(found)]
    assert change <= numbers[0] < change + 24
    assert len(numbers) <= 24


def test_a_weekday_that_is_another_now_is_news_twice() -> None:
    """Mondays at a third of their volume are flagged on two, and normal from the third on."""
    mondays = dict.fromkeys(range(84, 140, 7), 0.33)

    found = replay(made(140, changes=mondays))

    assert [number for number, _ in kinds(found)] == [84, 91]


def test_a_holiday_is_news_in_its_first_year_only() -> None:
    """What is off on the same date a year later, as far as then, is a day like last year's."""
    first, second = 100, 466  # 2012 has a 29 February
    found = replay(made(500, changes={first: 0.5, second: 0.45}))

    assert kinds(found) == [(first, Kind.DROP)]
    assert found.judgements[second].why == "As far off as on the same date in 2011."


def test_nothing_on_a_holiday_that_halves_is_still_news() -> None:
    """A date that was at half last year and has nothing now is flagged."""
    found = replay(made(500, changes={100: 0.5, 466: 0.0}))

    assert kinds(found) == [(100, Kind.DROP), (466, Kind.DROP)]


def test_who_wants_to_hear_of_less_hears_of_more() -> None:
    """A relative threshold of 10 % finds a drop of 20 % that the default leaves alone."""
    series = made(90, noise=0.02, changes={85: 0.8})

    assert replay(series).flags == []
    assert kinds(replay(series, sensitivity=Sensitivity(share=0.1, least_share=0.1))) == [
        (85, Kind.DROP)
    ]
