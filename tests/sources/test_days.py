"""A generated day is real orders in four systems' formats, the same every time."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from stationmaster.sources.days import SOURCES, generate_day, support_file
from stationmaster.sources.landing import day_folder
from stationmaster.sources.world import World
from stationmaster.step.errors import MisconfiguredError
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Records = Callable[[Path, str], list[dict[str, Any]]]

MONDAY = dt.date(2011, 11, 21)
SATURDAY = dt.date(2011, 11, 26)
CLOCK_BACK = dt.date(2011, 10, 30)
CLOCK_FORWARD = dt.date(2011, 3, 27)


def tree(settings: Settings) -> dict[str, str]:
    """Return each generated file's checksum."""
    files = [file for file in settings.home.rglob("*") if file.is_file()]
    return {
        str(file.relative_to(settings.home)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
    }


def real_orders(world: World, day: dt.date) -> pl.DataFrame:
    """Return the real orders of a day."""
    return world.orders.filter(pl.col("at").dt.date() == day)


def test_the_same_seed_gives_the_same_bytes(world: World, tmp_path: Path) -> None:
    """Two worlds of one seed write the same files; another seed writes others."""
    trees = []
    for place, seed in enumerate((1, 1, 2)):
        settings = Settings(home=tmp_path / str(place))
        generate_day(World(world.retail, seed), settings, MONDAY)
        trees.append(tree(settings))

    assert trees[0] == trees[1]
    assert len(trees[0]) == 13
    assert trees[0].keys() == trees[2].keys()
    assert all(trees[0][name] != trees[2][name] for name in trees[0])


def test_a_day_does_not_depend_on_the_days_made_before(world: World, tmp_path: Path) -> None:
    """A day generated alone has the bytes it has after its neighbours."""
    alone, after = Settings(home=tmp_path / "alone"), Settings(home=tmp_path / "after")
    generate_day(World(world.retail), alone, MONDAY)
    for day in (MONDAY + dt.timedelta(days=1), MONDAY - dt.timedelta(days=3), MONDAY):
        generate_day(world, after, day)

    assert tree(alone).items() <= tree(after).items()


def test_web_and_app_share_the_real_revenue(
    world: World, settings: Settings, records: Records
) -> None:
    """Every real order of the day is in exactly one shop, with its real value."""
    generate_day(world, settings, MONDAY, ("web", "app"))
    web = records(day_folder(settings, "web", MONDAY), "orders")
    app = records(day_folder(settings, "app", MONDAY), "orders")
    real = real_orders(world, MONDAY)
    pounds = sum(
        line["quantity"] * float(line["unit_price"]) for order in web for line in order["lines"]
    )

    numbers = [order["order_id"] for order in web] + [order["ref"] for order in app]
    assert sorted(numbers) == sorted(real["invoice"])
    assert round(pounds * 1000) + 10 * sum(order["total_pence"] for order in app) == sum(
        real["revenue_mills"]
    )


def test_app_lines_add_up(world: World, settings: Settings, records: Records) -> None:
    """An app order's total is what its lines say."""
    generate_day(world, settings, MONDAY, ("app",))
    for order in records(day_folder(settings, "app", MONDAY), "orders"):
        assert order["total_pence"] == sum(line["qty"] * line["pence"] for line in order["items"])


@pytest.mark.parametrize("source", ["web", "app"])
def test_each_order_has_its_visit(
    world: World, settings: Settings, records: Records, source: str
) -> None:
    """An order's visit is there once, began before the order, and most visits end without one."""
    generate_day(world, settings, MONDAY, (source,))
    folder = day_folder(settings, source, MONDAY)
    order_id, visit_at, order_at = {
        "web": ("order_id", "started_at", "placed_at"), "app": ("ref", "ts", "ts"),
    }[source]  # fmt: skip
    name = {"web": "order_id", "app": "ref"}[source]
    visits, orders = records(folder, "sessions"), records(folder, "orders")
    bought = {visit[name]: visit[visit_at] for visit in visits if visit[name]}

    assert bought.keys() == {order[order_id] for order in orders}
    assert all(bought[order[order_id]] < order[order_at] for order in orders)
    assert len(visits) > 4 * len(orders)


def test_a_day_without_orders_has_visits_only(
    world: World, settings: Settings, records: Records
) -> None:
    """A Saturday has no orders, as in the real data, but files, visits and `_SUCCESS`."""
    generate_day(world, settings, SATURDAY, ("web",))
    folder = day_folder(settings, "web", SATURDAY)

    assert records(folder, "orders") == []
    assert len(records(folder, "sessions")) > 50
    assert not any(visit["checked_out"] for visit in records(folder, "sessions"))
    assert (folder / "_SUCCESS").exists()


def test_success_names_what_is_there(world: World, settings: Settings, records: Records) -> None:
    """`_SUCCESS` has each file's records, bytes and sha256."""
    generate_day(world, settings, MONDAY, ("web",))
    folder = day_folder(settings, "web", MONDAY)
    promised = json.loads((folder / "_SUCCESS").read_text())["files"]

    assert promised.keys() == {"orders-000.jsonl.gz", "sessions-000.jsonl.gz"}
    for name, promise in promised.items():
        data = (folder / name).read_bytes()
        assert promise["bytes"] == len(data)
        assert promise["sha256"] == hashlib.sha256(data).hexdigest()
    assert promised["orders-000.jsonl.gz"]["records"] == len(records(folder, "orders"))


def test_visits_reach_both_edges_of_the_business_day(
    world: World, settings: Settings, records: Records
) -> None:
    """In summer some visits of a UTC day are of the next London day, and some of its night."""
    day = dt.date(2011, 7, 12)
    generate_day(world, settings, day, ("web",))
    visits = records(day_folder(settings, "web", day), "sessions")
    hours = Counter(visit["started_at"][11:13] for visit in visits)

    assert all(visit["started_at"].startswith("2011-07-12T") for visit in visits)
    assert hours["23"] > 0
    assert hours["00"] > 0


def test_the_hour_that_comes_twice_tells_itself_apart(world: World, settings: Settings) -> None:
    """Parcels scanned in the doubled hour carry both offsets, in the order they happened."""
    generate_day(World(world.retail, orders_a_day=2000), settings, CLOCK_BACK, ("delivery",))
    events = _events(settings, CLOCK_BACK)
    doubled = events.filter(pl.col("event_time").str.contains(" 01:"))

    assert set(doubled["utc_offset"]) == {"+00:00", "+01:00"}
    moments = (events["event_time"] + events["utc_offset"]).str.to_datetime("%d/%m/%Y %H:%M%z")
    assert moments.is_sorted()


def test_the_hour_that_is_left_out_is_not_there(world: World, settings: Settings) -> None:
    """On the short day no event is at a time that no clock showed."""
    generate_day(World(world.retail, orders_a_day=2000), settings, CLOCK_FORWARD, ("delivery",))
    hours = set(_events(settings, CLOCK_FORWARD)["event_time"].str.slice(11, 2))

    assert {"00", "02"} <= hours
    assert "01" not in hours


def test_every_order_is_shipped_within_four_days(world: World, settings: Settings) -> None:
    """Each order of a day has a pick-up and an end, spread over the following days."""
    for later in range(5):
        generate_day(world, settings, MONDAY + dt.timedelta(days=later), ("delivery",))
    events = pl.concat(_events(settings, MONDAY + dt.timedelta(days=later)) for later in range(5))
    ours = events.filter(pl.col("order_ref").is_in(real_orders(world, MONDAY)["invoice"].implode()))
    by_event = ours.group_by("event").agg(pl.col("order_ref").n_unique())
    counts = dict(by_event.iter_rows())

    assert counts["picked_up"] == counts["in_transit"] == real_orders(world, MONDAY).height
    assert counts["delivered"] + counts.get("returned", 0) == counts["picked_up"]
    assert (
        ours.select("shipment_id", "event", pl.col("event_time").str.slice(0, 10)).is_unique().all()
    )


def test_each_cancellation_is_a_ticket(world: World, settings: Settings) -> None:
    """The day's real cancellations are tickets with the real amounts, and people ask things."""
    generate_day(world, settings, MONDAY, ("support",))
    tickets = pl.read_ndjson(support_file(settings, MONDAY))
    cancelled = tickets.filter(kind="cancellation")["cancelled_amount"].cast(pl.Decimal(12, 2))
    real = pl.read_parquet(world.retail.cancellations).filter(pl.col("at").dt.date() == MONDAY)

    assert len(cancelled) == real.height > 0
    assert int(cancelled.sum() * 1000) == real["amount_mills"].sum()
    assert {"question", "complaint"} <= set(tickets["kind"])
    assert tickets["created_at"].is_sorted()


def test_the_truth_covers_every_record(world: World, settings: Settings, records: Records) -> None:
    """Each record of each source has one person in the truth, in files no step reads."""
    counts = generate_day(world, settings, MONDAY)
    truth = pl.read_parquet(settings.home / "truth" / "*" / "*.parquet")
    web = day_folder(settings, "web", MONDAY)
    visits = {visit["session_id"] for visit in records(web, "sessions")}

    assert dict(truth.group_by("source").len().iter_rows()) == counts
    assert truth["person_id"].null_count() == 0
    assert set(truth.filter(source="web", kind="session")["record_id"]) == visits
    assert set(SOURCES) == set(truth["source"])


def test_a_bucket_is_refused_with_the_way_out(world: World, tmp_path: Path) -> None:
    """Writing to a bucket is refused before anything is made."""
    settings = Settings(home=tmp_path, landing="s3://landing/zone")

    with pytest.raises(MisconfiguredError, match="then copy it to the bucket"):
        generate_day(world, settings, MONDAY)


def _events(settings: Settings, day: dt.date) -> pl.DataFrame:
    """Return the delivery events of a day as text."""
    folder = day_folder(settings, "delivery", day)
    return pl.read_csv(folder / "events-*.csv", infer_schema=False)
