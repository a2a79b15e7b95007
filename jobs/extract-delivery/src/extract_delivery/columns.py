"""Say what delivery tracking's events become: our columns, as expressions over their fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from stationmaster.step.extraction.rows import blank_to_null
from stationmaster.step.extraction.times import from_local

if TYPE_CHECKING:
    import polars as pl

__all__ = ["UPSTREAM_ZONE", "event_columns"]

UPSTREAM_ZONE: Final = "Europe/London"
"""The carriers' clocks and day folders follow this zone."""


def event_columns() -> dict[str, pl.Expr]:
    """Return the columns of an event; `event_at` is null where the local time names no instant."""
    return {
        "shipment_id": blank_to_null("shipment_id"),
        "order_id": blank_to_null("order_ref"),
        "event": blank_to_null("event"),
        "event_at": from_local("event_time", "utc_offset", zone=ZoneInfo(UPSTREAM_ZONE)),
        "carrier": blank_to_null("carrier"),
        "recipient": blank_to_null("recipient"),
        "phone": blank_to_null("phone"),
        "address": blank_to_null("address"),
        "postcode": blank_to_null("postcode"),
    }
