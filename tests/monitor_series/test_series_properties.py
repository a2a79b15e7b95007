"""What holds of every series: no look-ahead, no self-influence, no unit, no favourite weekday."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stationmaster.monitor.series.anomalies import Watch, replay
from stationmaster.monitor.series.limits import Guard, Sensitivity, chance_of
from stationmaster.monitor.series.points import DAILY, Point, Series
from stationmaster.monitor.series.scales import Scale, hodges_lehmann
from tests.monitor_series.made import made, with_values

if TYPE_CHECKING:
    from stationmaster.monitor.series.judgements import Flag

slowly = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
factors = st.floats(min_value=0.0, max_value=20.0)
changes = st.dictionaries(st.integers(min_value=30, max_value=89), factors, max_size=8)
seeds = st.integers(min_value=1, max_value=10_000)


def openings(flags: list[Flag]) -> list[object]:
    """Return what flags said when they were raised."""
    return [flag.judgement for flag in flags]


@slowly
@given(seed=seeds, changed=changes, cut=st.integers(min_value=1, max_value=60))
def test_no_later_value_changes_what_was_said(
    seed: int, changed: dict[int, float], cut: int
) -> None:
    """A replay of the beginning says of it what a replay of the whole says: no look-ahead."""
    whole = made(90, seed=seed, changes=changed)
    kept = list(whole.by_period.values())[:-cut]
    beginning = replay(Series.of("beginning", kept, DAILY))
    full = replay(whole)

    assert full.judgements[: len(beginning.judgements)] == beginning.judgements
    last = beginning.judgements[-1].period
    early = [flag for flag in full.flags if flag.judgement.period <= last]
    assert openings(early) == openings(beginning.flags)


@slowly
@given(seed=seeds, changed=changes, value=st.floats(min_value=0, max_value=1e9))
def test_the_tested_value_never_helps_to_say_what_was_expected(
    seed: int, changed: dict[int, float], value: float
) -> None:
    """Whatever comes on the last day, the expected range of that day is the same."""
    series = made(90, seed=seed, changes=changed)
    other = with_values(series, {89: value})
    said, otherwise = replay(series).judgements[-1], replay(other).judgements[-1]

    if said.range is not None and otherwise.range is not None:
        spans = ("low-of-late", "high-of-late")
        if said.kind not in spans and otherwise.kind not in spans:
            assert said.range == otherwise.range


@slowly
@given(seed=seeds, changed=changes, exponent=st.integers(min_value=-20, max_value=20))
def test_the_unit_of_a_series_does_not_matter(
    seed: int, changed: dict[int, float], exponent: int
) -> None:
    """Seconds or milliseconds, bytes or GiB: the same days are flagged for the same kinds."""
    series = made(90, seed=seed, changes=changed)
    scaled = [Point(point.at, point.value * 2.0**exponent) for point in series.by_period.values()]
    found, otherwise = replay(series), replay(Series.of("scaled", scaled, DAILY))

    assert [(f.judgement.period, f.judgement.kind) for f in found.flags] == [
        (f.judgement.period, f.judgement.kind) for f in otherwise.flags
    ]


@slowly
@given(seed=seeds, changed=changes, days=st.integers(min_value=1, max_value=400))
def test_no_weekday_is_special(seed: int, changed: dict[int, float], days: int) -> None:
    """A series that begins some days later is flagged on the same of its days."""
    series = made(90, seed=seed, changes=changed)
    later = [
        Point(point.at + dt.timedelta(days=days), point.value)
        for point in series.by_period.values()
    ]
    found, otherwise = replay(series), replay(Series.of("later", later, DAILY))

    assert [f.judgement.period + days for f in found.flags] == [
        f.judgement.period for f in otherwise.flags
    ]


@slowly
@given(seed=seeds, day=st.integers(min_value=60, max_value=89))
def test_nothing_where_there_always_was_something_is_always_found(seed: int, day: int) -> None:
    """A drop of 100 % is flagged at its first value, whatever noise the series has."""
    series = made(90, seed=seed, noise=0.05 + seed % 50 / 100, level=1e5)

    found = replay(with_values(series, {day: 0.0}))

    drops = [flag.judgement.period - series.first for flag in found.flags]
    assert day in drops or found.judgements[day].standing == "continues"


@given(st.lists(st.floats(min_value=-1e6, max_value=1e6), min_size=1, max_size=40))
def test_a_middle_lies_among_its_values(values: list[float]) -> None:
    """The robust middle is never beyond the lowest or the highest value."""
    slack = 1e-6
    assert min(values) - slack <= hodges_lehmann(values) <= max(values) + slack


@given(st.floats(min_value=-1e12, max_value=1e12), st.floats(min_value=1e-3, max_value=1e6))
def test_the_scale_goes_there_and_back(value: float, typical: float) -> None:
    """A value put on the scale and taken off it is the same value."""
    scale = Scale.of([typical])

    back = scale.value_of(scale.of_value(value))

    assert abs(back - value) <= 1e-9 * abs(value) + 1e-9


@given(st.lists(st.floats(min_value=-40, max_value=40), min_size=60, max_size=800))
def test_the_guard_never_asks_for_less_than_the_threshold(scores: list[float]) -> None:
    """However calm or wild a series was, its limits stay between the threshold and 8 spreads."""
    guard = Guard(DAILY, Sensitivity())
    for score in scores:
        guard.note(score, 0.1)

    assert all(3.0 <= limit <= 8.0 for limit in guard.limits())


@given(st.floats(min_value=0, max_value=50), st.floats(min_value=0, max_value=50))
def test_farther_off_is_less_likely(one: float, other: float) -> None:
    """The chance falls with the score, from 1 at the expected value."""
    near, far = sorted((one, other))

    assert chance_of(0.0) == 1.0
    assert chance_of(near) >= chance_of(far) == chance_of(-far) >= 0.0


def test_a_watch_can_be_asked_before_it_is_told() -> None:
    """Judging a value changes nothing: the same watch judges it the same again."""
    series = made(60)
    watch = Watch(DAILY)
    for period, point in series.by_period.items():
        watch.see(period, point)
    tomorrow = Point(series.rhythm.start_of(series.last + 1), 10.0)

    once = watch.judge.judge(series.last + 1, tomorrow)

    assert watch.judge.judge(series.last + 1, tomorrow) == once
