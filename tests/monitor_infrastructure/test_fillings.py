"""How fast something fills: a line through a whole cycle, and only where there is one."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from stationmaster.monitor.facts.fillings import CYCLE, Filling, FreePoint

START = dt.datetime(2026, 3, 28, 6, 40, tzinfo=dt.UTC)
CAPACITY = 1000.0
HALF_HOURS = 48


def filling(values: list[float]) -> Filling:
    """Return a filling whose history is half-hourly."""
    points = tuple(
        FreePoint(START + CYCLE * n / HALF_HOURS, value) for n, value in enumerate(values)
    )
    return Filling(
        name="x",
        where="x",
        capacity_bytes=CAPACITY,
        free_bytes=values[-1],
        history=points,
    )


@given(st.floats(1, 400), st.floats(1, 400), st.floats(0, 0.02))
def test_a_steady_filling_ends_when_it_must(free: float, a_day: float, noise: float) -> None:
    """What fills evenly is foretold within a tenth, whatever little noise there is."""
    values = [
        free + a_day * (HALF_HOURS - n) / HALF_HOURS + (-1) ** n * noise * a_day
        for n in range(HALF_HOURS + 1)
    ]

    left = filling(values).full_in()

    assert left is not None
    true = values[-1] / a_day
    assert abs(left / dt.timedelta(days=1) - true) <= 0.1 * true + 0.05


@given(st.lists(st.floats(0, CAPACITY), min_size=1, max_size=HALF_HOURS // 2))
def test_less_than_a_cycle_foretells_nothing(values: list[float]) -> None:
    """Half a day says nothing of the night."""
    assert filling(values).full_in() is None


@given(st.integers(1, HALF_HOURS // 2 - 2), st.floats(10, 300))
def test_what_is_cleared_within_the_cycle_is_not_full_soon(at: int, drop: float) -> None:
    """A saw tooth goes up again: a half that empties is no steady filling."""
    values = [CAPACITY - drop * n / HALF_HOURS for n in range(HALF_HOURS + 1)]
    cleared = [value if n < at else CAPACITY for n, value in enumerate(values)]

    assert filling(cleared).full_in() is None


def test_a_hole_in_the_history_foretells_nothing() -> None:
    """Five hours without a point may hide a clearing."""
    whole = filling([CAPACITY - n for n in range(HALF_HOURS + 1)])
    history = tuple(point for n, point in enumerate(whole.history) if not 10 <= n < 20)
    holed = Filling(name="x", where="x", capacity_bytes=CAPACITY, free_bytes=900.0, history=history)

    assert whole.full_in() is not None
    assert holed.full_in() is None


def test_since_when_little_is_left_is_the_last_time_it_fell() -> None:
    """Having been low yesterday and well since does not count."""
    values = [50.0] * 10 + [500.0] * 20 + [80.0] * 19
    low = filling(values)

    assert low.below_since(0.1, START + CYCLE) == low.history[30].at
    assert filling([500.0] * 49).below_since(0.1, START + CYCLE) == START + CYCLE
