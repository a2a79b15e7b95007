"""Turn the mobile app's records into rows of our datasets."""

from __future__ import annotations

from typing import Final

import polars as pl

from stationmaster.step.rows import blank_to_null
from stationmaster.step.times import from_epoch_ms

__all__ = ["tidy_orders", "tidy_sessions"]

_MONEY: Final = pl.Decimal(12, 2)
_PENCE_IN_A_POUND: Final = 100


def tidy_orders(records: pl.DataFrame) -> pl.DataFrame:
    """Return one row an order; `revenue` is null where the items do not add up to the total."""
    buyer = pl.col("buyer").struct
    item = pl.element().struct
    pence = pl.col("items").list.eval(item.field("qty") * item.field("pence")).list.sum()
    quantities = pl.col("items").list.eval(item.field("qty")).list.sum()
    total = pl.when(pence == pl.col("total_pence")).then(pl.col("total_pence"))
    return records.select(
        order_id=blank_to_null("ref"),
        ordered_at=from_epoch_ms("ts"),
        device_id=blank_to_null("device"),
        login=blank_to_null("login"),
        full_name=blank_to_null(buyer.field("fullName")),
        email=blank_to_null(buyer.field("mail")),
        phone=blank_to_null(buyer.field("mobile")),
        address=blank_to_null(buyer.field("street")),
        postcode=blank_to_null(buyer.field("zip")),
        country=blank_to_null(buyer.field("land")),
        lines=pl.col("items").list.len().cast(pl.Int64),
        items=quantities,
        revenue=(total.cast(pl.Decimal(18, 2)) / _PENCE_IN_A_POUND).cast(_MONEY),
    )


def tidy_sessions(records: pl.DataFrame) -> pl.DataFrame:
    """Return one row a visit."""
    return records.select(
        session_id=blank_to_null("sid"),
        started_at=from_epoch_ms("ts"),
        device_id=blank_to_null("device"),
        login=blank_to_null("login"),
        screens="screens",
        added_to_cart="basket",
        checked_out="bought",
        order_id=blank_to_null("ref"),
    )
