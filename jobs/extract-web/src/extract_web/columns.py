"""Say what the web shop's records become: our columns, as expressions over their fields."""

from __future__ import annotations

from typing import Final

import polars as pl

from stationmaster.step.extraction.rows import blank_to_null
from stationmaster.step.extraction.times import from_iso

__all__ = ["order_columns", "session_columns"]

_CURRENCY: Final = "GBP"
_PRICE: Final = pl.Decimal(18, 6)
_MONEY: Final = pl.Decimal(12, 2)


def order_columns() -> dict[str, pl.Expr]:
    """Return the columns of an order; `revenue` is null where it is no amount in pounds."""
    customer = pl.col("customer").struct
    line = pl.element().struct
    quantities = pl.col("lines").list.eval(line.field("quantity")).list.sum()
    price = line.field("unit_price").cast(_PRICE, strict=False)
    amount = price * line.field("quantity").cast(pl.Decimal(18, 0))
    total = pl.when(amount.is_not_null().all()).then(amount.sum())
    in_pounds = pl.col("currency") == _CURRENCY
    return {
        "order_id": blank_to_null("order_id"),
        "ordered_at": from_iso("placed_at"),
        "session_id": blank_to_null("session_id"),
        "customer_id": blank_to_null(customer.field("id")),
        "email": blank_to_null(customer.field("email")),
        "full_name": blank_to_null(customer.field("name")),
        "phone": blank_to_null(customer.field("phone")),
        "address": blank_to_null(customer.field("address")),
        "postcode": blank_to_null(customer.field("postcode")),
        "country": blank_to_null(customer.field("country")),
        "lines": pl.col("lines").list.len().cast(pl.Int64),
        "items": quantities,
        "revenue": pl.when(in_pounds).then(pl.col("lines").list.agg(total)).pipe(_to_pennies),
    }


def _to_pennies(amount: pl.Expr) -> pl.Expr:
    return amount.round(2, mode="half_away_from_zero").cast(_MONEY)


def session_columns() -> dict[str, pl.Expr]:
    """Return the columns of a visit."""
    return {
        "session_id": blank_to_null("session_id"),
        "started_at": from_iso("started_at"),
        "visitor_id": blank_to_null("visitor_id"),
        "customer_id": blank_to_null("customer_id"),
        "pages": pl.col("pages"),
        "added_to_cart": pl.col("added_to_cart"),
        "checked_out": pl.col("checked_out"),
        "order_id": blank_to_null("order_id"),
    }
