"""The merge of a day is a function of the extracts up to it, and nobody is counted twice."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from merge_customers.job import DATASETS, merge
from merge_customers.pairs import EARLIEST, candidate_pairs
from merge_customers.records import Extracts, gather
from merge_customers.sample import FIRST_DAY, sample_days
from merge_customers.unify import customers_on, known_records, link

Tables = dict[str, pl.DataFrame]
DAYS = 10
LAST = FIRST_DAY + dt.timedelta(days=DAYS - 1)


@pytest.fixture(name="days", scope="module")
def _days() -> Tables:
    """Ten days of 24 people, two in each household."""
    return sample_days(DAYS)


def until(days: Tables, day: dt.date) -> Extracts:
    """Give the extracts up to a day."""
    past = pl.col("business_date") <= day
    return Extracts(**{name: days[name].lazy().filter(past) for name in DATASETS})


def ids(extracts: Extracts, day: dt.date) -> dict[tuple[str, ...], str]:
    """Give each record of a day's merge its customer."""
    linked = link(gather(extracts))
    records = known_records(linked, customers_on(linked, day))
    named = records.filter(pl.col("unified_id").is_not_null(), pl.col("day") <= day)
    keys = ["source", "kind", "record", "full_name", "phone"]
    return {
        tuple(map(str, row[:-1])): row[-1] for row in named.select(*keys, "unified_id").iter_rows()
    }


def test_the_order_of_rows_does_not_matter(days: Tables) -> None:
    """Shuffled extracts give the same tables."""
    shuffled = {
        name: frame.sample(fraction=1, shuffle=True, seed=3) for name, frame in days.items()
    }
    straight, mixed = merge(until(days, LAST), LAST), merge(until(shuffled, LAST), LAST)
    for name, table in straight.items():
        assert table.equals(mixed[name]), name


def test_yesterday_can_be_told_from_todays_extracts(days: Tables) -> None:
    """Each day's customers, found among all ten days, are those its own merge found."""
    for number in (0, 2, 4, 8):
        day = FIRST_DAY + dt.timedelta(days=number)
        assert ids(until(days, day), day) == ids(until(days, LAST), day)


def test_ids_change_only_as_logged(days: Tables) -> None:
    """Every id of a day is there the next day, or was logged as merged; new ones are logged."""
    before: set[str] = set()
    for number in range(DAYS):
        day = FIRST_DAY + dt.timedelta(days=number)
        tables = merge(until(days, day), day)
        now = set(tables["unified_customers"]["unified_id"])
        changes = tables["identity_changes"]
        merged = set(changes.filter(pl.col("change") == "merged")["other_id"])
        came = set(changes.filter(pl.col("change") != "merged")["unified_id"])
        assert before - now == merged
        assert now - before == came
        before = now


def test_people_are_counted_once(days: Tables) -> None:
    """24 people in 12 households, misspelt over four sources, are about 24 customers."""
    truth = days["web_orders"].height + days["app_orders"].height
    customers = merge(until(days, LAST), LAST)["unified_customers"]
    numbers = pl.concat([days[f"{shop}_orders"]["order_id"] for shop in ("web", "app")])
    people = numbers.str.slice(-3).n_unique()
    assert truth > 2 * people
    assert customers.height == people


def test_every_order_has_a_customer_and_money_is_kept(days: Tables) -> None:
    """A day's orders are all there, and customers' revenue adds up to the orders'."""
    tables = merge(until(days, LAST), LAST)
    orders = pl.concat([days[f"{shop}_orders"].select("revenue") for shop in ("web", "app")])
    assert tables["unified_orders"]["unified_id"].null_count() == 0
    assert tables["unified_customers"]["revenue_to_date"].sum() == orders["revenue"].sum()


@pytest.mark.parametrize("source", ["web", "app", "delivery", "support"])
def test_own_counts_lead_to_the_unified_one(days: Tables, source: str) -> None:
    """A team's own count plus its reasons is the unified count, in all and on the day."""
    for number in (0, 4, 9):
        day = FIRST_DAY + dt.timedelta(days=number)
        tables = merge(until(days, day), day)
        counts, customers = tables["customer_counts"], tables["unified_customers"]
        told = counts.filter(~pl.col("measure").is_in(["active", "difference"]))
        ways = dict(told.group_by("source").agg(pl.col("value").sum()).iter_rows())
        assert ways[source] == customers.height
        assert ways[f"{source}_on_day"] == customers["active"].sum()


def test_every_explanation_is_one_sentence(days: Tables) -> None:
    """A manager reads a plain sentence for each number but zero."""
    counts = merge(until(days, LAST), LAST)["customer_counts"]
    assert counts["explanation"].str.ends_with(".").all()
    ends = pl.col("measure").is_in(["own_count", "active", "difference"])
    reasons = counts.filter(~ends, pl.col("source") != "unified")
    assert 0 not in reasons["value"].to_list()


def test_a_shop_without_any_record_has_no_customer() -> None:
    """Six empty extracts give empty tables, and counts of zero that add up."""
    empty = {name: frame.clear() for name, frame in sample_days(1).items()}
    tables = merge(until(empty, FIRST_DAY), FIRST_DAY)
    assert tables["unified_customers"].is_empty()
    assert tables["identity_changes"].is_empty()
    assert set(tables["customer_counts"]["value"]) == {0}


def test_a_key_that_everybody_shares_costs_no_square() -> None:
    """Five hundred contacts at one phone are compared with the twelve earliest each."""
    keys = pl.DataFrame({"contact": range(500)}, schema={"contact": pl.UInt32}).with_columns(
        key_kind=pl.lit("phone"), key=pl.lit(1, dtype=pl.UInt64), since=pl.lit(FIRST_DAY)
    )
    pairs = candidate_pairs(keys)
    assert pairs.height <= EARLIEST * keys.height
    assert set(range(500)) == {*pairs["left"], *pairs["right"]}
