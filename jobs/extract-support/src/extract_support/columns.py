"""Say what the support API's tickets become: our columns, as expressions over their fields."""

from __future__ import annotations

from typing import Final

import polars as pl

from stationmaster.step.extraction.rows import blank_to_null
from stationmaster.step.extraction.times import from_iso

__all__ = ["ticket_columns"]

_MONEY: Final = pl.Decimal(12, 2)


def ticket_columns() -> dict[str, pl.Expr]:
    """Return the columns of a ticket."""
    customer = pl.col("customer").struct
    amount = blank_to_null("cancelled_amount")
    return {
        "ticket_id": blank_to_null("ticket_id"),
        "created_at": from_iso("created_at"),
        "updated_at": from_iso("updated_at"),
        "order_id": blank_to_null("order_ref"),
        "email": blank_to_null(customer.field("email")),
        "full_name": blank_to_null(customer.field("name")),
        "phone": blank_to_null(customer.field("phone")),
        "kind": blank_to_null("kind"),
        "subject": blank_to_null("subject"),
        "status": blank_to_null("status"),
        "cancelled_amount": amount.cast(_MONEY, strict=False),
    }
