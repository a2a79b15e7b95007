"""Tasks, idle and system together are the nodes' bill."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stationmaster.ledger.cost.nodes import lives_of, share_out
from stationmaster.ledger.cost.splitting import cost_of
from tests.cost.simulated import MIDNIGHT, Day, days, life, use

DAY_END = MIDNIGHT + dt.timedelta(days=1)
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SHIFTS = st.lists(st.integers(-90, 90), min_size=15, max_size=15)


@SLOW
@given(day=days())
def test_each_part_of_the_bill_is_what_the_simulation_says(day: Day) -> None:
    """Bill, idle, system and tasks agree with a count by the second, within a millionth."""
    found = share_out(day.lives, day.uses, MIDNIGHT, DAY_END)

    assert found.bill == pytest.approx(day.bill, rel=1e-6)
    assert found.idle == pytest.approx(day.idle, rel=1e-6, abs=1e-9)
    assert found.system == pytest.approx(day.system, rel=1e-6)
    assert found.of_tasks == pytest.approx(day.tasks, rel=1e-6, abs=1e-9)


@SLOW
@given(day=days(), shifts=SHIFTS)
def test_the_sum_is_the_bill_whatever_clocks_and_measurements_say(
    day: Day, shifts: list[int]
) -> None:
    """Clocks that are off by a minute and absurd usage move money around, and lose none."""
    odd = [
        replace(
            each,
            scheduled_at=MIDNIGHT + dt.timedelta(seconds=300 + shift),
            cpu_seconds=1e9 if shift % 7 == 0 else each.cpu_seconds,
            peak_memory_bytes=None if shift % 5 == 0 else each.peak_memory_bytes,
        )
        for each, shift in zip(day.uses, shifts, strict=False)
    ]

    found = share_out(day.lives, odd, MIDNIGHT, DAY_END)

    total = found.of_tasks + found.idle + found.system
    assert total == pytest.approx(day.bill, rel=0.01)
    assert min(found.idle, found.system, found.of_tasks) >= 0
    for _, split in found.tasks:
        assert min(split.useful, split.slack, split.retries, split.start_up) >= -1e-12


@SLOW
@given(day=days())
def test_rows_alone_say_the_same_where_nodes_are_not_overfull(day: Day) -> None:
    """An attempt's own row gives its share of the bill, as long as its node is not overfull."""
    calm = [replace(each, cpu_seconds=0.0, asked_cpu_millicores=10) for each in day.uses]
    calm = [replace(each, asked_memory_bytes=2**20, peak_memory_bytes=2**20) for each in calm]

    found = share_out(day.lives, calm, MIDNIGHT, DAY_END)

    for each, split in found.tasks:
        alone = cost_of(each)
        assert alone is not None
        assert split.total == pytest.approx(alone.total, rel=1e-6, abs=1e-12)
        assert split.slack == pytest.approx(alone.slack, rel=1e-6, abs=1e-12)


def test_a_window_cuts_nodes_and_attempts() -> None:
    """Half of a day pays half of a node, and what ran in that half."""
    node = life("a", 0, 3600)
    ran = use(node, (0, 0, 3600), asked_cpu_millicores=2000, asked_memory_bytes=0)
    noon = MIDNIGHT + dt.timedelta(seconds=1800)

    first = share_out([node], [ran], MIDNIGHT, noon)
    second = share_out([node], [ran], noon, DAY_END)

    assert first.bill == pytest.approx(0.048)
    assert first.of_tasks == pytest.approx(second.of_tasks)


def test_attempts_on_nodes_that_nobody_bills_are_named() -> None:
    """They are listed, and cost nothing, instead of breaking the sum."""
    node, stranger = life("a", 0, 3600), life("b", 0, 3600)

    found = share_out([node], [use(stranger, (0, 0, 60))], MIDNIGHT, DAY_END)

    assert [each.node for each in found.homeless] == ["b"]
    assert found.of_tasks == 0


def test_nodes_are_shown_by_their_attempts_where_nobody_kept_them() -> None:
    """From the first attempt's begin to the last one's end, at the price of their rows."""
    node = life("a", 0, 3600)
    ran = [use(node, (60, 70, 100)), use(node, (500, 510, 900))]

    [shown] = lives_of(ran)

    assert (shown.end or DAY_END) - shown.start == dt.timedelta(seconds=840)
    assert shown.price_per_hour == node.price_per_hour
