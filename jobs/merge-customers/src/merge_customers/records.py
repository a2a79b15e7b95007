"""Gather what the four sources know about people: one row for each thing that somebody did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["CONTACT", "RECORD", "SOURCES", "Extracts", "gather"]

SOURCES = ("app", "delivery", "support", "web")

CONTACT = ("full_name", "email", "phone", "address", "postcode", "country")
"""What a source may know about somebody, as typed."""

RECORD: dict[str, type[pl.DataType] | pl.DataType] = {
    "source": pl.String,
    "kind": pl.String,
    "record": pl.String,
    "order_id": pl.String,
    "account": pl.String,
    "device": pl.String,
    **dict.fromkeys(CONTACT, pl.String),
    "day": pl.Date,
    "last_day": pl.Date,
    "ordered_at": pl.Datetime("us", "UTC"),
    "revenue": pl.Decimal(14, 2),
}
"""One row: an order, a login from a device, a parcel or a ticket; `day` is when it was first seen.

`account` is the source's own customer id (web) or login (app), `device` a browser or a phone.
"""


@dataclass(frozen=True)
class Extracts:
    """Hold the extracts of all business dates up to one, as the jobs before this one wrote them."""

    web_orders: pl.LazyFrame
    web_sessions: pl.LazyFrame
    app_orders: pl.LazyFrame
    app_sessions: pl.LazyFrame
    delivery_events: pl.LazyFrame
    support_tickets: pl.LazyFrame


def gather(extracts: Extracts) -> pl.DataFrame:
    """Give all records, sorted, with the columns of `RECORD`; sessions and events are summed up."""
    browsers = extracts.web_sessions.filter(pl.col("order_id").is_not_null()).select(
        "order_id", device="visitor_id"
    )
    web = extracts.web_orders.rename({"customer_id": "account"})
    web = web.join(browsers.unique("order_id"), on="order_id", how="left", maintain_order="none")
    app = extracts.app_orders.rename({"login": "account", "device_id": "device"})
    parts = [
        _orders("web", web),
        _orders("app", app),
        _visits("web", extracts.web_sessions.rename({"customer_id": "account"}), "visitor_id"),
        _visits("app", extracts.app_sessions.rename({"login": "account"}), "device_id"),
        _parcels(extracts.delivery_events),
        _tickets(extracts.support_tickets),
    ]
    whole: pl.DataFrame = pl.concat([_shaped(part) for part in parts]).collect()
    return whole.sort("day", "source", "kind", "record")


def _shaped(part: pl.LazyFrame) -> pl.LazyFrame:
    have = set(part.collect_schema().names())
    return part.select(
        (pl.col(name) if name in have else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in RECORD.items()
    )


def _orders(source: str, orders: pl.LazyFrame) -> pl.LazyFrame:
    """Take each order once: the first day wins when an order came on two days."""
    return (
        orders.sort("business_date", "ordered_at")
        .unique("order_id", keep="first", maintain_order=True)
        .with_columns(
            source=pl.lit(source),
            kind=pl.lit("order"),
            record=pl.col("order_id"),
            day=pl.col("business_date"),
            last_day=pl.col("business_date"),
        )
    )


def _visits(source: str, sessions: pl.LazyFrame, device: str) -> pl.LazyFrame:
    """Sum up who logged in on which device; a visit without login is nobody's."""
    logins = sessions.filter(pl.col("account").is_not_null())
    return (
        logins.group_by("account", device=device)
        .agg(day=pl.col("business_date").min(), last_day=pl.col("business_date").max())
        .with_columns(
            source=pl.lit(source),
            kind=pl.lit("visit"),
            record=pl.concat_str("account", pl.col("device").fill_null(""), separator=" on "),
        )
    )


def _first_and_last(frame: pl.LazyFrame, keys: Iterable[str]) -> pl.LazyFrame:
    return frame.group_by(*keys).agg(
        day=pl.col("business_date").min(), last_day=pl.col("business_date").max()
    )


def _parcels(events: pl.LazyFrame) -> pl.LazyFrame:
    """Sum up the events of a parcel: one row for each way its recipient was written."""
    keys = ("shipment_id", "order_id", "recipient", "phone", "address", "postcode")
    return (
        _first_and_last(events, keys)
        .rename({"shipment_id": "record", "recipient": "full_name"})
        .with_columns(source=pl.lit("delivery"), kind=pl.lit("parcel"))
    )


def _tickets(tickets: pl.LazyFrame) -> pl.LazyFrame:
    keys = ("ticket_id", "order_id", "email", "full_name", "phone")
    return (
        _first_and_last(tickets, keys)
        .rename({"ticket_id": "record"})
        .with_columns(source=pl.lit("support"), kind=pl.lit("ticket"))
    )
