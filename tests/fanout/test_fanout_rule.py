"""The rule that turns a day's volume into a number of shards."""

from __future__ import annotations

import datetime as dt
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.ledger.fanout import Volume, rows_per_second, shards_for
from stationmaster.ledger.records import AttemptRecord
from tests.ledger.attempts import NOON, context

COUNTS = st.integers(min_value=0, max_value=10_000_000)
RATES = st.one_of(st.none(), st.floats(min_value=0.01, max_value=1e7))


def attempt(number: int, rows: int, seconds: float, verdict: str = "succeeded") -> AttemptRecord:
    """Return an attempt that read so many rows in so many seconds."""
    return AttemptRecord.of(
        context(try_id=f"try-{number}"),
        recorded_at=NOON + dt.timedelta(minutes=number),
        verdict=verdict,
        rows_read=rows,
        wall_seconds=seconds,
    )


@pytest.mark.parametrize(
    ("orders", "shards"),
    [(0, 1), (1_900, 1), (9_999, 1), (10_000, 2), (20_001, 3), (500_000, 50), (5_000_000, 50)],
)
def test_a_shard_for_each_ten_thousand_orders(orders: int, shards: int) -> None:
    """Without history: clamp(orders / 10,000, 2, 50), and small mornings are not split."""
    assert shards_for(Volume(orders, orders * 9)).shards == shards


@given(COUNTS, COUNTS, RATES)
def test_the_number_stays_within_its_bounds(orders: int, rows: int, rate: float | None) -> None:
    """Whatever the ledger says, a split step has 2 to 50 shards, and says why in one sentence."""
    found = shards_for(Volume(orders, rows), rate)

    assert found.shards == 1 if orders < 10_000 else 2 <= found.shards <= 50
    assert found.why.endswith(".")
    assert found.why.count(". ") == 0


@given(COUNTS, st.integers(min_value=0, max_value=1_000_000), RATES)
def test_more_work_never_means_fewer_shards(orders: int, more: int, rate: float | None) -> None:
    """The number grows with the volume."""
    less = shards_for(Volume(orders, orders), rate).shards

    assert shards_for(Volume(orders + more, orders + more), rate).shards >= less


@given(st.integers(min_value=10_000, max_value=10_000_000), st.floats(min_value=1.0, max_value=1e6))
def test_a_shard_takes_the_target_time(rows: int, rate: float) -> None:
    """With the step's speed each shard takes 60 s at most, unless 50 are not enough for that."""
    shards = shards_for(Volume(rows, rows), rate).shards

    assert shards == 50 or rows / shards / rate <= 60 * (1 + 1e-9)
    assert shards == 2 or rows / (shards - 1) / rate > 60 * (1 - 1e-9)


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, math.inf])
def test_a_speed_that_is_none_is_left_out(rate: float) -> None:
    """An absurd speed changes nothing: the rule for an unknown one applies."""
    assert shards_for(Volume(100_000, 900_000), rate).shards == 10


def test_the_sentence_names_volume_speed_and_bound() -> None:
    """Whoever reads the log knows what the number came from."""
    by_speed = shards_for(Volume(500_000, 4_500_000), 80_000.0)
    bounded = shards_for(Volume(700_000, 0))

    assert by_speed.why == (
        "500,000 orders in 2 shards: 4,500,000 rows at 80,000 rows a second, 60 s of work for each "
        "would be 1, and the least is 2."
    )
    assert bounded.why == (
        "700,000 orders in 50 shards: one for each 10,000 would be 70, and the most is 50."
    )


@pytest.mark.parametrize(
    "bounds", [{"least": 0}, {"least": 3, "most": 2}, {"target_seconds": 0.0}, {"units_a_shard": 0}]
)
def test_bounds_that_make_no_sense_are_refused(bounds: dict[str, float]) -> None:
    """A wrong bound is the author's error and is told, not worked around."""
    with pytest.raises(ValueError, match="expected target_seconds"):
        shards_for(Volume(1, 1), **bounds)  # type: ignore[arg-type]  # each is one of the bounds


def test_negative_counts_are_refused() -> None:
    """A source that counts below zero is no volume."""
    with pytest.raises(ValueError, match="expected counts of 0 or more"):
        Volume(-1, 0)


def test_the_speed_is_that_of_the_larger_attempts() -> None:
    """Small mornings, where the start is most of the time, do not make a step look slow."""
    small = [attempt(number, 1_000, 2.0) for number in range(6)]
    large = [attempt(number, 1_000_000, 10.0) for number in range(6, 12)]

    assert rows_per_second([*large, *small]) == 100_000


def test_the_speed_is_unknown_until_five_attempts_tell() -> None:
    """Failed attempts, and those that measured nothing, do not count."""
    told = [attempt(number, 1_000, 1.0) for number in range(4)]
    others = [attempt(7, 1_000, 1.0, "step_failed"), attempt(8, 0, 1.0), attempt(9, 5, 0.0)]

    assert rows_per_second([*told, *others]) is None
    assert rows_per_second([*told, *others, attempt(10, 1_000, 1.0)]) == 1_000
