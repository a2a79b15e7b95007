"""What the web shop promised its files look like."""

from __future__ import annotations

from typing import Final

from stationmaster.step.extraction.shapes import Kind, Shape

__all__ = ["ORDERS", "SESSIONS"]

ORDERS: Final[Shape] = {
    "order_id": Kind.TEXT,
    "placed_at": Kind.TEXT,
    "session_id": Kind.TEXT,
    "customer": {
        "id": Kind.TEXT_OR_NULL,
        "email": Kind.TEXT_OR_NULL,
        "name": Kind.TEXT_OR_NULL,
        "phone": Kind.TEXT_OR_NULL,
        "address": Kind.TEXT_OR_NULL,
        "postcode": Kind.TEXT_OR_NULL,
        "country": Kind.TEXT_OR_NULL,
    },
    "lines": [
        {
            "sku": Kind.UNREAD,
            "description": Kind.UNREAD,
            "quantity": Kind.WHOLE,
            "unit_price": Kind.TEXT,
        }
    ],
    "currency": Kind.TEXT,
}
"""One order of `orders-NNN.jsonl.gz`."""

SESSIONS: Final[Shape] = {
    "session_id": Kind.TEXT,
    "started_at": Kind.TEXT,
    "visitor_id": Kind.TEXT,
    "customer_id": Kind.TEXT_OR_NULL,
    "pages": Kind.WHOLE,
    "added_to_cart": Kind.FLAG,
    "checked_out": Kind.FLAG,
    "order_id": Kind.TEXT_OR_NULL,
}
"""One visit of `sessions-NNN.jsonl.gz`."""
