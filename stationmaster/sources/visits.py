"""Visits to web shop and app: those that end in an order, and the many that do not."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import polars as pl

from stationmaster.sources import app, web
from stationmaster.sources.draw import below, chance, hex_digits, mix, seeded, taken, unit
from stationmaster.sources.people import MAX_REPLICAS, truth_of

if TYPE_CHECKING:
    from stationmaster.sources.world import World

__all__ = ["HOURS", "day_of", "visits"]

HOURS = [hour for hour, weight in enumerate(
    (3, 2, 1, 1, 1, 1, 2, 3, 5, 7, 8, 8, 9, 8, 8, 7, 7, 7, 7, 8, 9, 8, 6, 4)
) for _ in range(weight)]  # fmt: skip
"""Hours of a visit, as often as people visit then: shops are busy by day and open at midnight."""


def day_of(day: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """Return the UTC day as [start, end)."""
    start = dt.datetime.combine(day, dt.time(), dt.UTC)
    return start, start + dt.timedelta(days=1)


def visits(world: World, placed: pl.DataFrame, day: dt.date, source: str) -> pl.DataFrame:
    """Return the day's visits that belong to a batch of placed orders.

    Columns: session_id, at, device_id, logged_in, pages, basket, bought, order_id, person_id,
    stranger, and what account numbers and logins are made of.
    """
    bought = _buying(placed.filter(pl.col("channel") == source), source)
    looked = _looking(world, placed, day, source)
    both = pl.concat([bought, looked], how="diagonal_relaxed")
    known = truth_of(both, world.rates)
    device = web.visitor_id() if source == "web" else app.device_id(world.rates)
    anyone = pl.when("stranger").then(pl.format("V{}", "o")).otherwise(pl.col("person_id"))
    return known.with_columns(device_id=device, person_id=anyone).sort("at", "session_id")


def _buying(placed: pl.DataFrame, source: str) -> pl.DataFrame:
    o = pl.col("o")
    earlier = pl.duration(seconds=below(o, "browsed for", 1500) + 60)
    session = web.web_session_id() if source == "web" else app.app_session_id()
    return placed.with_columns(
        session_id=session,
        at=(pl.col("at") - earlier).clip(pl.col("at").dt.truncate("1d")),
        pages=below(o, "pages", 40) + 4,
        basket=pl.lit(value=True),
        bought=pl.lit(value=True),
        stranger=pl.lit(value=False),
    )


def _looking(world: World, placed: pl.DataFrame, day: dt.date, source: str) -> pl.DataFrame:
    """Repeat each order's row for the visits without an order, by the buyer or somebody else."""
    rates = world.rates
    times = pl.DataFrame({"visit": range(1, rates.visits_per_order)}, schema={"visit": pl.Int64})
    rows = placed.join(times, how="cross").with_columns(
        o=mix(pl.col("o") ^ pl.col("visit").cast(pl.UInt64), "visit")
    )
    o = pl.col("o")
    who = unit(o, "who")
    others = rates.visit_by_buyer + rates.visit_by_customer
    rows = rows.with_columns(
        by_buyer=who < rates.visit_by_buyer, stranger=who >= others
    ).with_columns(
        person=pl.when("by_buyer")
        .then(pl.col("person"))
        .otherwise(below(o, "which", world.people["customer"].drop_nulls().len())),
    )
    rows = _as_people(world, rows).filter(pl.col("channel") == source)
    return _walk(rows, day, source, rates.bounce, rates.visit_logged_in)


def _as_people(world: World, rows: pl.DataFrame) -> pl.DataFrame:
    """Set h, house, country and customer for the person drawn."""
    base = world.people.select("person", "group", "country", "customer")
    key = pl.col("person") * MAX_REPLICAS + pl.col("replica")
    drawn = rows.drop("group", "country", "customer").join(
        base, on="person", how="left", maintain_order="left"
    )
    h = seeded(key, "person", world.seed)
    house = seeded(pl.col("group") * MAX_REPLICAS + pl.col("replica"), "house", world.seed)
    return drawn.with_columns(
        h=pl.when("stranger").then(mix(pl.col("o"), "stranger")).otherwise(h), house=house
    ).with_columns(channel=world.channel())


def _walk(
    rows: pl.DataFrame, day: dt.date, source: str, bounce: float, logs_in: float
) -> pl.DataFrame:
    o = pl.col("o")
    start, _ = day_of(day)
    hours = taken(pl.Series(HOURS), below(o, "hour", len(HOURS)))
    seconds = hours * 3600 + below(o, "second", 3600)
    left = chance(o, "bounce", bounce)
    prefix = "s-{}" if source == "web" else "a{}"
    return rows.with_columns(
        session_id=pl.format(prefix, hex_digits(o, "visit", 12)),
        at=pl.lit(start).dt.cast_time_unit("us") + pl.duration(seconds=seconds),
        pages=pl.when(left).then(1).otherwise(below(o, "pages", 25) + 2),
        basket=~left & chance(o, "basket", 0.2),
        bought=pl.lit(value=False),
        order_id=pl.lit(None, dtype=pl.String),
        logged_in=~pl.col("stranger")
        & pl.col("customer").is_not_null()
        & ~left
        & chance(o, "logged in", logs_in),
    )
