"""Costs summed up, and what they had been otherwise."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from stationmaster.ledger.cost.prices import PriceBook
from stationmaster.ledger.cost.reporting import By, report
from stationmaster.ledger.cost.settings import CostSettings
from stationmaster.ledger.cost.weights import GIB
from stationmaster.ledger.cost.whatif import all_at, fixed_fleet, other_sizes, peak_of
from tests.cost.simulated import MIDNIGHT, Day, days, life, use

if TYPE_CHECKING:
    from stationmaster.ledger.cost.nodes import NodeLife
    from stationmaster.ledger.cost.uses import Use

END = MIDNIGHT + dt.timedelta(days=1)
NODE = life("a", 0, 3600)
BOOK = PriceBook.from_settings(CostSettings())


def two_steps() -> list[Use]:
    """Return a step that succeeded the second time, and another team's step."""
    asked = {"asked_cpu_millicores": 1000, "asked_memory_bytes": GIB}
    return [
        use(NODE, (0, 10, 600), verdict="out_of_memory", **asked),
        use(NODE, (600, 610, 1800), rows_written=500_000, try_number=2, team="crm", **asked),
        use(NODE, (0, 10, 1800), step="load", rows_written=0, team="finance", **asked),
        use(NODE, (0, 10, 20), step="odd", node_price_per_hour=None, price_note="Node gone."),
    ]


@settings(max_examples=30, deadline=None)
@given(day=days())
def test_rows_idle_and_system_are_the_bill(day: Day) -> None:
    """By whatever it is summed up, the difference is less than 1 % of the bill."""
    for by in By:
        found = report(day.uses, by=by, since=MIDNIGHT, until=END, lives=day.lives)

        assert abs(found.difference) < 0.01
        assert found.bill == pytest.approx(day.bill)
        assert found.total.attempts == len(day.uses)


@pytest.mark.parametrize(
    ("by", "keys"),
    [
        (By.STEP, {("morning", "extract"), ("morning", "load"), ("morning", "odd")}),
        (By.PIPELINE, {("morning",)}),
        (By.DAY, {("2026-08-03",)}),
        (By.TEAM, {("crm",), ("finance",), ("(no team)",)}),
        (By.RUN, {("morning", "")}),
    ],
)
def test_costs_are_summed_up_by(by: By, keys: set[tuple[str, ...]]) -> None:
    """Each way has its keys, and the same total."""
    found = report(two_steps(), by=by, since=MIDNIGHT, until=END, lives=[NODE])

    assert {row.key for row in found.rows} == keys
    alone = report(two_steps(), by=By.STEP, since=MIDNIGHT, until=END, lives=[NODE])
    assert found.total.split.total == pytest.approx(alone.total.split.total)


def test_a_million_rows_bear_the_retries() -> None:
    """The price of a million rows is all that the step cost, over what it wrote."""
    found = report(two_steps(), by=By.STEP, since=MIDNIGHT, until=END, lives=[NODE])

    row = next(each for each in found.rows if each.key == ("morning", "extract"))
    assert row.split.retries > 0
    assert row.per_million_rows == pytest.approx(2 * row.split.total)
    assert next(each for each in found.rows if each.key[1] == "load").per_million_rows is None


def test_what_has_no_price_is_counted_and_explained() -> None:
    """It is in no sum, and the report says how many and why."""
    found = report(two_steps(), by=By.STEP, since=MIDNIGHT, until=END, lives=[NODE])

    assert (found.total.attempts, found.total.unpriced) == (4, 1)
    assert found.reasons == (("Node gone.", 1),)


def test_a_currency_is_a_factor() -> None:
    """All amounts are in it, the bill too."""
    dollars = report(two_steps(), by=By.STEP, since=MIDNIGHT, until=END, lives=[NODE])
    euros = report(two_steps(), by=By.STEP, since=MIDNIGHT, until=END, lives=[NODE], factor=0.9)

    assert euros.bill == pytest.approx(dollars.bill * 0.9)
    assert euros.total.split.total == pytest.approx(dollars.total.split.total * 0.9)
    assert abs(euros.difference) < 1e-9


def test_attempts_of_unknown_nodes_are_in_the_bill_by_their_rows() -> None:
    """A node without a life costs what the attempts on it hold: the sum is still the bill."""
    stranger = use(life("b", 0, 3600), (0, 0, 3600), asked_cpu_millicores=1000)

    found = report([*two_steps(), stranger], by=By.STEP, since=MIDNIGHT, until=END, lives=[NODE])

    assert found.bill > 0.096
    assert abs(found.difference) < 1e-9


def test_spot_and_on_demand_are_the_same_nodes_at_other_prices() -> None:
    """Spot is the stated share; a type without a price stays at today's, and that is said."""
    odd = replace(NODE, name="b", instance_type="unheard-of")

    spot = all_at([NODE, odd], BOOK, "spot", MIDNIGHT, END)

    assert spot.bill == pytest.approx(0.096 * 0.35 + 0.096)
    assert "1 of a type without a price" in spot.sentence
    assert all_at([NODE], BOOK, "on-demand", MIDNIGHT, END).bill == pytest.approx(0.096)


def test_a_fixed_fleet_holds_the_peak_all_day() -> None:
    """Ten steps of a core at once need three nodes of 4 cores, for 24 hours; one more is four."""
    xlarge = BOOK.instance("m5.xlarge")
    assert xlarge is not None
    ten = [use(NODE, (0, 0, 60), asked_cpu_millicores=1000) for _ in range(10)]
    later = use(NODE, (60, 60, 90), asked_cpu_millicores=4000)

    fleet = fixed_fleet([*ten, later], xlarge, MIDNIGHT, END)

    assert peak_of([*ten, later])[0] == pytest.approx(10.0)
    assert fleet.bill == pytest.approx(3 * 24 * xlarge.usd_per_hour)
    assert fleet.saves(1.0) < 0


def test_other_sizes_save_what_nobody_used() -> None:
    """A step that uses a quarter of its memory pays less; what is not measured stays."""
    asked = {"asked_cpu_millicores": 100, "asked_memory_bytes": 4 * GIB}
    wide = use(NODE, (0, 0, 3600), peak_memory_bytes=GIB, cpu_seconds=1.0, **asked)
    lives: list[NodeLife] = [NODE]

    then = other_sizes([wide], lives, MIDNIGHT, END)
    same = other_sizes([use(NODE, (0, 0, 3600), **asked)], lives, MIDNIGHT, END)

    assert then.bill < 0.096 * 0.9
    assert same.bill == pytest.approx(0.096)
