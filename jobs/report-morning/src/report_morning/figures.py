"""The report's numbers that are held against other sources and other days."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from report_morning.model import Report
    from report_morning.morning import Morning

__all__ = ["figures", "handed_over", "parcels"]

_ORDERS: Final = "unified_orders"
_EVENTS: Final = "delivery_events"


def figures(morning: Morning, report: Report) -> dict[str, float]:
    """Return the numbers by name; what cannot be known of the day is left out."""
    told = {
        "customers": report.customers.total.value,
        "customers_active": report.customers.active.value,
        "orders": report.sales.orders.value,
        "revenue": report.sales.revenue.value,
    }
    for source, orders in report.sales.orders_by_source.items():
        told[f"{source}_orders"] = orders.value
        told[f"{source}_revenue"] = report.sales.revenue_by_source[source].value
    return told | handed_over(morning) | parcels(morning)


def parcels(morning: Morning) -> dict[str, float]:
    """Return how many orders had a parcel picked up on the day, and how many of them we know.

    A parcel of an order that no source told of is a source that is not whole: half of a day's web
    orders missing is seen on the same morning, however few orders there are.
    """
    day = morning.business_date
    before = day - dt.timedelta(days=1)
    if not all(morning.has(_ORDERS, each) for each in (before, day)) or not morning.has(_EVENTS):
        return {}
    picked = morning.day(_EVENTS).filter(pl.col("event") == "picked_up").select("order_id").unique()
    known = morning.since(_ORDERS, before - dt.timedelta(days=1)).select("order_id").unique()
    counted = picked.collect()
    both = counted.join(known.collect(), on="order_id", how="semi")
    return {"parcels_picked_up": counted.height, "parcels_of_known_orders": both.height}


def handed_over(morning: Morning) -> dict[str, float]:
    """Return how many orders of the day before each source has, and how many were picked up.

    A parcel is picked up on the day of its order or on the next morning, so that the two should
    agree a day later.
    """
    day = morning.business_date
    before = day - dt.timedelta(days=1)
    needed = ((_ORDERS, before), (_EVENTS, before), (_EVENTS, day))
    if not all(morning.has(name, each) for name, each in needed):
        return {}
    picked = (
        morning.since(_EVENTS, before)
        .filter(pl.col("event") == "picked_up")
        .select("order_id")
        .unique()
        .with_columns(picked=pl.lit(value=True))
    )
    counted = (
        morning.day(_ORDERS, before)
        .join(picked, on="order_id", how="left")
        .group_by("source")
        .agg(orders=pl.len(), picked=pl.col("picked").count())
        .collect()
    )
    told: dict[str, float] = {}
    for source, orders, taken in counted.iter_rows():
        told[f"{source}_orders_day_before"] = orders
        told[f"{source}_picked_up_day_before"] = taken
    return told
