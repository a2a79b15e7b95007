"""Visits to web shop and app: those that end in an order, and the many that do not."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import polars as pl

from stationmaster.sources import app, people, web
from stationmaster.sources.draw import below, chance, hex_digits, mix, taken, unit
from stationmaster.sources.people import truth_of

if TYPE_CHECKING:
    from stationmaster.sources.rates import Rates
    from stationmaster.sources.world import World

__all__ = ["HOURS", "RECENT_DAYS", "day_of", "visits"]

HOURS = [hour for hour, weight in enumerate(
    (3, 2, 1, 1, 1, 1, 2, 3, 5, 7, 8, 8, 9, 8, 8, 7, 7, 7, 7, 8, 9, 8, 6, 4)
) for _ in range(weight)]  # fmt: skip
"""Hours of a visit, as often as people visit then: shops are busy by day and open at midnight."""


RECENT_DAYS: Final = 60
"""Known visitors are buyers of so many days."""

_VISITOR: Final = [
    "person", "replica", "group", "country", "customer", "h", "house", "o", "v", "channel",
    "logged_in", "second", "stranger",
]  # fmt: skip


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
    """Repeat each order for the visits without an order: by its buyer or by somebody else.

    Somebody known is the buyer of an order of the last RECENT_DAYS: an account is seen with its
    name before it is seen without.
    """
    rates = world.rates
    times = pl.DataFrame({"visit": range(1, rates.visits_per_order)}, schema={"visit": pl.UInt64})
    rows = placed.join(times, how="cross").with_columns(
        v=mix(pl.col("o") ^ pl.col("visit"), "visit")
    )
    who, buyers = unit(pl.col("v"), "who"), rates.visit_by_buyer
    rows = rows.with_columns(who=who)
    again = rows.filter(pl.col("who") < buyers).with_columns(stranger=pl.lit(value=False))
    known = rows.filter(pl.col("who").is_between(buyers, buyers + rates.visit_by_customer, "left"))
    strange = rows.filter(pl.col("who") >= buyers + rates.visit_by_customer).with_columns(
        h=mix(pl.col("v"), "stranger"), o=pl.col("v"), stranger=pl.lit(value=True)
    )
    strange = strange.with_columns(channel=world.channel(), logged_in=pl.lit(value=False))
    everyone = [again, _recent(world, known, day), strange]
    both = pl.concat([part.select(_VISITOR) for part in everyone])
    return _walk(both.filter(pl.col("channel") == source), day, source, rates)


def _recent(world: World, rows: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """Replace each row's person by the buyer of a recent order, of the same replica."""
    start, _ = day_of(day)
    recent = world.orders_between(start - dt.timedelta(days=RECENT_DAYS), start)
    if not recent.height:
        return rows.clear().with_columns(stranger=pl.lit(value=False))
    chosen = recent.with_row_index("place").with_columns(pl.col("place").cast(pl.Int64))
    drawn = rows.select("replica", "v", place=below(pl.col("v"), "which", recent.height))
    named = drawn.join(chosen, on="place", how="left", maintain_order="left")
    there = people.identified(named, world.seed).filter(people.wanted(world.multiplier))
    placed = world.as_placed(there)
    return placed.with_columns(stranger=pl.lit(value=False))


def _walk(rows: pl.DataFrame, day: dt.date, source: str, rates: Rates) -> pl.DataFrame:
    o, (start, _) = pl.col("v"), day_of(day)
    hours = taken(pl.Series(HOURS), below(o, "hour", len(HOURS)))
    seconds = hours * 3600 + below(o, "second", 3600)
    left = chance(o, "bounce", rates.bounce)
    prefix = "s-{}" if source == "web" else "a{}"
    return rows.with_columns(
        o=o,
        session_id=pl.format(prefix, hex_digits(o, "visit", 12)),
        at=pl.lit(start).dt.cast_time_unit("us") + pl.duration(seconds=seconds),
        pages=pl.when(left).then(1).otherwise(below(o, "pages", 25) + 2),
        basket=~left & chance(o, "basket", 0.2),
        bought=pl.lit(value=False),
        order_id=pl.lit(None, dtype=pl.String),
        logged_in=pl.col("logged_in") & ~left & chance(o, "logged in", rates.visit_logged_in),
    )
