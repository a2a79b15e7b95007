"""More volume is the same orders by more people, nothing invented."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import polars as pl

from stationmaster.sources.days import generate_day
from stationmaster.sources.landing import MAX_RECORDS, day_folder
from stationmaster.sources.truth import people_seen
from stationmaster.sources.world import World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stationmaster.step.settings import Settings

    Records = Callable[[Path, str], list[dict[str, Any]]]

DAY = dt.date(2011, 11, 21)


def test_replicas_keep_the_real_values(world: World, settings: Settings, records: Records) -> None:
    """Each repeated app order has the real order's total, and the real one is among them."""
    generate_day(World(world.retail, orders_a_day=1000), settings, DAY, ("app",))
    orders = records(day_folder(settings, "app", DAY), "orders")
    real = dict(world.orders.select("invoice", "total_pence").iter_rows())

    assert len({order["ref"] for order in orders}) == len(orders)
    assert all(order["total_pence"] == real[order["ref"].split("-")[0]] for order in orders)
    assert any("-" not in order["ref"] for order in orders)


def test_the_median_day_has_the_orders_asked_for(world: World) -> None:
    """1,000 orders a day repeats the 63 orders of the real median day to 1,000, near enough."""
    big = World(world.retail, orders_a_day=1000)
    day = world.orders_between(*_utc(dt.date(2011, 11, 28)))
    made = sum(batch.height for batch in big.batches(day))

    assert big.median_orders == 63
    assert abs(made / (day.height * 1000 / 63) - 1) < 0.02


def test_replicas_are_other_people(world: World, settings: Settings, records: Records) -> None:
    """The replicas of one customer have other names, mails and accounts."""
    generate_day(World(world.retail, orders_a_day=1000), settings, DAY, ("web",))
    orders = records(day_folder(settings, "web", DAY), "orders")
    guests = [order["customer"] for order in orders]
    mails = {(guest["email"] or "").lower() for guest in guests}
    truth = pl.read_parquet(settings.home / "truth" / "web" / "*.parquet").filter(kind="order")
    people = truth["person_id"].n_unique()

    assert 0.98 < len(mails) / people < 1.02
    assert len({guest["name"] for guest in guests}) > 0.95 * people


def test_a_customer_is_the_same_person_on_other_days(world: World, settings: Settings) -> None:
    """Who orders on two days is one person in the truth, also in a large volume."""
    big = World(world.retail, orders_a_day=1000)
    for day in (DAY, DAY + dt.timedelta(days=1)):
        generate_day(big, settings, day, ("web", "app"))
    people = people_seen(settings)
    both = people.filter(pl.col("first_seen") < pl.col("last_seen"))

    assert set(both["first_seen"]) == {DAY}
    assert 0.02 < both.height / people.height < 0.5


def test_files_hold_a_bounded_number_of_records(
    world: World, settings: Settings, records: Records
) -> None:
    """A large day is several files of at most 50,000 records, each order once."""
    generate_day(World(world.retail, orders_a_day=30_000), settings, DAY, ("app",))
    folder = day_folder(settings, "app", DAY)
    files = sorted(folder.glob("orders-*.jsonl.gz"))
    orders = records(folder, "orders")

    assert len(files) > 1
    assert len({order["ref"] for order in orders}) == len(orders)
    assert MAX_RECORDS == 50_000


def _utc(day: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """Return a UTC day's start and end."""
    start = dt.datetime.combine(day, dt.time(), dt.UTC)
    return start, start + dt.timedelta(days=1)
