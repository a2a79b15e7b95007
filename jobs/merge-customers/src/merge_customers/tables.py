"""Shape the merge's result: the customers of a day, and the day's orders with their customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    import datetime as dt

__all__ = ["unified_customers", "unified_orders"]

SHOWN = ("full_name", "email", "postcode", "country")


def unified_customers(records: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """Give one row for each customer up to a day; contact data as last typed."""
    known = records.filter(pl.col("unified_id").is_not_null())
    is_order, is_deed = pl.col("kind") == "order", pl.col("kind") != "visit"
    return (
        known.sort("last_day", "ordered_at", "source", "kind", "record", nulls_last=False)
        .group_by("unified_id")
        .agg(
            first_seen=pl.col("day").filter(is_deed).min(),
            last_seen=pl.col("last_day").max(),
            sources=pl.col("source").unique().sort().str.join("+"),
            orders_to_date=is_order.sum().cast(pl.Int64),
            revenue_to_date=pl.col("revenue").sum(),
            **{name: pl.col(name).drop_nulls().last() for name in SHOWN},
        )
        .with_columns(active=pl.col("last_seen") == day)
        .sort("unified_id")
    )


def unified_orders(records: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """Give the orders of one day, each with its customer."""
    orders = records.filter(pl.col("kind") == "order", pl.col("day") == day)
    columns = ["order_id", "source", "unified_id", "ordered_at", "revenue"]
    return orders.select(columns).sort("order_id", "source")
