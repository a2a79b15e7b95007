"""The rivals are what they are in their own sources."""

from __future__ import annotations

import pytest

from stationmaster.ledger.sizing.observations import DAY_SECONDS, MIB
from stationmaster.ledger.sizing.replaying import replay_sizes
from stationmaster.ledger.sizing.rivals import (
    DecayingHistogram,
    bucket_of,
    largest_so_far_sizes,
    vpa_sizes,
)
from tests.sizing.runs import GIB, history_of, runs_of


def test_buckets_are_those_of_vpa() -> None:
    """The first ends at 10 MB, each is 5 % wider than the one before."""
    assert [bucket_of(value) for value in (1, 9.9e6, 1.01e7, 2.04e7, 2.06e7)] == [0, 0, 1, 1, 2]


def test_a_percentile_is_the_end_of_its_bucket() -> None:
    """Of nine small and one large sample the 90th percentile is still a small one."""
    histogram = DecayingHistogram()
    for _ in range(9):
        histogram.add(5e6, 0.0)
    histogram.add(1e9, 0.0)

    assert histogram.percentile(0.9) == pytest.approx(1e7)
    assert 1e9 <= histogram.percentile(0.95) <= 1.05e9 + 1e7


def test_a_sample_weighs_half_after_a_day() -> None:
    """Nine samples of a week ago weigh less than one of today."""
    histogram = DecayingHistogram()
    for _ in range(9):
        histogram.add(1e9, 0.0)
    histogram.add(5e6, 7 * DAY_SECONDS)

    assert histogram.percentile(0.9) == pytest.approx(1e7)


def test_a_pause_of_a_year_leaves_numbers_finite() -> None:
    """Weights are scaled down before they outgrow what a float holds."""
    histogram = DecayingHistogram()
    histogram.add(1e9, 0.0)
    histogram.add(5e6, 2000 * DAY_SECONDS)

    assert histogram.percentile(0.9) == pytest.approx(1e7)


def test_vpa_sizes_are_the_percentile_times_1_15_and_at_least_250_mebibytes() -> None:
    """The first three runs take the preset, a small step gets the floor."""
    small = replay_sizes(history_of(runs_of([20] * 5))).frame
    large = replay_sizes(history_of(runs_of([1000] * 5))).frame

    assert vpa_sizes(small).to_list() == [4 * GIB] * 3 + [250 * MIB] * 2
    assert 1000 * MIB * 1.15 <= vpa_sizes(large)[4] <= 1000 * MIB * 1.05 * 1.15


def test_max_times_1_10_is_the_largest_peak_so_far_times_1_10() -> None:
    """It never forgets."""
    frame = replay_sizes(history_of(runs_of([500, 100, 100, *[90] * 100]))).frame

    assert largest_so_far_sizes(frame, 1.10)[102] == pytest.approx(550 * MIB)
