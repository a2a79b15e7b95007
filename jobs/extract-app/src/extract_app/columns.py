"""Say what the app's records become: our columns, as expressions over their fields."""

from __future__ import annotations

from typing import Final

import polars as pl

from stationmaster.step.extraction.rows import blank_to_null
from stationmaster.step.extraction.times import from_epoch_ms

__all__ = ["order_columns", "session_columns"]

_MONEY: Final = pl.Decimal(12, 2)
_PENCE_IN_A_POUND: Final = 100


def order_columns() -> dict[str, pl.Expr]:
    """Return the columns of an order; `revenue` is null where items and total differ."""
    buyer = pl.col("buyer").struct
    item = pl.element().struct
    pence = pl.col("items").list.eval(item.field("qty") * item.field("pence")).list.sum()
    quantities = pl.col("items").list.eval(item.field("qty")).list.sum()
    total = pl.when(pence == pl.col("total_pence")).then(pl.col("total_pence"))
    return {
        "order_id": blank_to_null("ref"),
        "ordered_at": from_epoch_ms("ts"),
        "device_id": blank_to_null("device"),
        "login": blank_to_null("login"),
        "full_name": blank_to_null(buyer.field("fullName")),
        "email": blank_to_null(buyer.field("mail")),
        "phone": blank_to_null(buyer.field("mobile")),
        "address": blank_to_null(buyer.field("street")),
        "postcode": blank_to_null(buyer.field("zip")),
        "country": blank_to_null(buyer.field("land")),
        "lines": pl.col("items").list.len().cast(pl.Int64),
        "items": quantities,
        "revenue": (total.cast(pl.Decimal(18, 2)) / _PENCE_IN_A_POUND).cast(_MONEY),
    }


def session_columns() -> dict[str, pl.Expr]:
    """Return the columns of a visit."""
    return {
        "session_id": blank_to_null("sid"),
        "started_at": from_epoch_ms("ts"),
        "device_id": blank_to_null("device"),
        "login": blank_to_null("login"),
        "screens": pl.col("screens"),
        "added_to_cart": pl.col("basket"),
        "checked_out": pl.col("bought"),
        "order_id": blank_to_null("ref"),
    }
