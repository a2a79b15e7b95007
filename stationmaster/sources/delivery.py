"""What the delivery company holds: a parcel's events by London days, as CSV in local time."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import polars as pl

from stationmaster.sources import shape, typed
from stationmaster.sources.draw import below, chance, hex_digits, mix, pick, unit
from stationmaster.sources.people import truth_of

if TYPE_CHECKING:
    from stationmaster.sources.rates import Rates
    from stationmaster.sources.world import World

__all__ = ["COLUMNS", "DAYS_AFTER", "EVENTS", "bounds", "events", "rows"]

DAYS_AFTER: Final = 4
"""A parcel's last event is at most so many days after its order's day."""

EVENTS: Final = (
    "picked_up", "in_transit", "out_for_delivery", "delivered", "failed_attempt", "returned",
)  # fmt: skip
_CARRIERS: Final = ("Royal Post", "Royal Post", "Parcelway", "Parcelway", "Swiftline", "HomeVan")
_DAY: Final = 1440
_CUT_OFF: Final = 15 * 60
COLUMNS: Final = (
    "shipment_id", "order_ref", "event", "event_time", "carrier", "recipient", "phone", "address",
    "postcode", "utc_offset",
)  # fmt: skip


def bounds(day: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """Return a London day as [start, end) in UTC: 23, 24 or 25 hours."""
    zone, next_day = ZoneInfo(shape.ZONE), day + dt.timedelta(days=1)
    return (
        dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC),
        dt.datetime.combine(next_day, dt.time(), zone).astimezone(dt.UTC),
    )


def events(placed: pl.DataFrame, day: dt.date, rates: Rates) -> pl.DataFrame:
    """Return the events that fall on a London day, one row each, with event and event_at.

    Args:
        placed: Rows of World.as_placed, of orders from DAYS_AFTER days before the day on.
        day: The London day.
        rates: How often a parcel is late, missed or returned.
    """
    local = pl.col("at").dt.convert_time_zone(shape.ZONE)
    midnight = local.dt.truncate("1d").dt.convert_time_zone("UTC")
    minute = local.dt.hour().cast(pl.Int64) * 60 + local.dt.minute().cast(pl.Int64)
    timed = placed.with_columns(midnight=midnight, **_plan(minute, rates))
    start, end = bounds(day)
    parts = []
    for step, event in _STEPS.items():
        at = pl.col("midnight") + pl.duration(minutes=pl.col(step))
        part = timed.with_columns(event=pl.lit(event), event_at=at)
        parts.append(part.filter(pl.col("event_at").is_between(start, end, closed="left")))
    return pl.concat(parts).drop("midnight", *_STEPS)


_STEPS: Final = {
    "picked": "picked_up",
    "sorted_at_night": "in_transit",
    "out_first": "out_for_delivery",
    "handed_over": "delivered",
    "missed": "failed_attempt",
    "out_again": "out_for_delivery",
    "handed_later": "delivered",
    "sent_back": "returned",
}


def _plan(minute: pl.Expr, rates: Rates) -> dict[str, pl.Expr]:
    """Return each step's minute after the order day's midnight, null where it does not happen."""
    o = pl.col("o")
    same_day = minute < _CUT_OFF
    evening, morning = 16 * 60 + 30 + below(o, "pick", 180), _DAY + 7 * 60 + below(o, "pick", 120)
    first_day = pl.when(same_day).then(0).otherwise(1)
    out_day = first_day + 1 + chance(o, "late", rates.late_by_a_day).cast(pl.Int64)
    out = out_day * _DAY + 6 * 60 + below(o, "out", 180)
    door = out_day * _DAY + 9 * 60 + 5 + below(o, "door", 600)
    fate = unit(o, "fate")
    missed, back = fate < rates.failed_attempt + rates.returned, fate < rates.returned
    again = missed & ~back
    return {
        "picked": pl.when(same_day).then(evening).otherwise(morning),
        "sorted_at_night": first_day * _DAY + 22 * 60 + below(o, "night", 330),
        "out_first": out,
        "handed_over": pl.when(~missed).then(door),
        "missed": pl.when(missed).then(door),
        "out_again": pl.when(again).then(out + _DAY),
        "handed_later": pl.when(again).then(door + _DAY + below(o, "door again", 60)),
        "sent_back": pl.when(back).then((out_day + 1) * _DAY + 17 * 60 + below(o, "back", 120)),
    }


def _shipment_id() -> pl.Expr:
    """Return the parcel's number."""
    return pl.format("GB{}", hex_digits(pl.col("o"), "shipment", 10).str.to_uppercase())


def rows(world: World, happened: pl.DataFrame) -> pl.DataFrame:
    """Return events as the CSV holds them, with person_id and event_at behind, in time order."""
    rates = world.rates
    known = truth_of(happened, rates)
    key = known.select(mix(pl.col("o"), "label")).to_series()
    local = pl.col("event_at").dt.convert_time_zone(shape.ZONE)
    phone = typed.phone(known, key, "delivery", rates)
    code = typed.postcode(known, key, "delivery", rates)
    return (
        known.with_columns(
            shipment_id=_shipment_id(),
            order_ref="order_id",
            event_time=local.dt.strftime("%d/%m/%Y %H:%M"),
            utc_offset=local.dt.strftime("%:z"),
            carrier=pick(pl.col("o"), "carrier", _CARRIERS),
            recipient=typed.name(known, key, "delivery", rates, rates.name_typo),
            phone=typed.left_out(phone, key, "phone", rates.delivery_no_phone),
            address=typed.address(known, key, "delivery", rates),
            postcode=typed.left_out(code, key, "code", rates.delivery_no_postcode),
        )
        .select(*COLUMNS, "person_id", "event_at")
        .sort("event_at", "shipment_id", "event")
    )
