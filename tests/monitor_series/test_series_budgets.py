"""With many series only as many alarms are told as keep false ones rare."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from stationmaster.monitor.series.budgets import spend
from stationmaster.monitor.series.judgements import Judgement, Kind, Standing
from stationmaster.monitor.series.limits import chance_of


def flagged(chance: float, *, value: float = 5.0, kind: Kind = Kind.DROP) -> Judgement:
    """Return a flag of a chance."""
    return Judgement(1, value, Standing.FLAGGED, chance=chance, kind=kind)


def quiet(number: int) -> dict[str, Judgement]:
    """Return so many series that are normal."""
    return {f"quiet-{n}": Judgement(1, 5.0, Standing.NORMAL, chance=0.5) for n in range(number)}


def test_one_series_tells_what_a_thousand_hold_back() -> None:
    """A value that is off once in a hundred days is news of one series, not of a thousand."""
    once_in_a_hundred = {"orders": flagged(0.01)}

    assert spend(once_in_a_hundred).told == ("orders",)
    many = spend({**once_in_a_hundred, **quiet(999)})
    assert many.told == ()
    assert many.held_back == {
        "orders": "One of 1000 series; so far off is one by chance on most days."
    }


def test_what_is_far_off_is_told_among_thousands() -> None:
    """A drop of ten spreads passes the budget of a thousand series."""
    told = spend({"orders": flagged(chance_of(-10)), **quiet(999)})

    assert told.told == ("orders",)


def test_nothing_where_something_was_due_is_always_told() -> None:
    """Missing values and zeros are no chance, and are not held back."""
    judged = {
        "gone": flagged(1.0, kind=Kind.MISSING),
        "empty": flagged(0.02, value=0.0),
        **quiet(5000),
    }

    assert set(spend(judged).told) == {"gone", "empty"}


def test_many_at_once_support_each_other() -> None:
    """Ten series that drop together are told, where one of them alone would be held back."""
    together = {f"orders-{n}": flagged(0.004) for n in range(10)}

    assert len(spend({**together, **quiet(90)}).told) == 10
    assert spend({"orders-0": flagged(0.004), **quiet(99)}).told == ()


def test_a_hundred_calm_series_cost_less_than_an_alarm_in_ten_days() -> None:
    """By chance alone, few days have any alarm: the rate bounds how many."""
    rng = random.Random(3)  # noqa: S311 (draws, no secret)
    days = 400
    alarms = 0
    for _ in range(days):
        chances = [rng.random() for _ in range(100)]
        judged = {str(n): flagged(chance) for n, chance in enumerate(chances)}
        alarms += bool(spend(judged).told)

    assert alarms <= 0.1 * days + 3 * (days * 0.1 * 0.9) ** 0.5


@given(st.lists(st.floats(min_value=0, max_value=1), max_size=60))
def test_each_flag_is_told_or_held_back_never_both(chances: list[float]) -> None:
    """No flag is lost, and what is told is less likely than what is held back."""
    judged = {str(n): flagged(chance) for n, chance in enumerate(chances)}

    spent = spend(judged)

    assert set(spent.told) | set(spent.held_back) == set(judged)
    assert set(spent.told) & set(spent.held_back) == set()
    told = [judged[name].chance for name in spent.told]
    held = [judged[name].chance for name in spent.held_back]
    assert max(told, default=0.0) <= min(held, default=1.0)
