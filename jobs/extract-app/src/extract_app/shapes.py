"""What the mobile app promised its files look like."""

from __future__ import annotations

from typing import Final

from stationmaster.step.extraction.shapes import Kind, Shape

__all__ = ["ORDERS", "SESSIONS"]

ORDERS: Final[Shape] = {
    "ref": Kind.TEXT,
    "ts": Kind.WHOLE,
    "device": Kind.TEXT,
    "login": Kind.TEXT_OR_NULL,
    "buyer": {
        "fullName": Kind.TEXT_OR_NULL,
        "mail": Kind.TEXT_OR_NULL,
        "mobile": Kind.TEXT_OR_NULL,
        "street": Kind.TEXT_OR_NULL,
        "zip": Kind.TEXT_OR_NULL,
        "land": Kind.TEXT_OR_NULL,
    },
    "items": [
        {"id": Kind.UNREAD, "title": Kind.UNREAD, "qty": Kind.WHOLE, "pence": Kind.WHOLE},
    ],
    "total_pence": Kind.WHOLE,
}
"""One order of `orders-NNN.jsonl.gz`; `ts` is milliseconds since 1970 UTC."""

SESSIONS: Final[Shape] = {
    "sid": Kind.TEXT,
    "ts": Kind.WHOLE,
    "device": Kind.TEXT,
    "login": Kind.TEXT_OR_NULL,
    "screens": Kind.WHOLE,
    "basket": Kind.FLAG,
    "bought": Kind.FLAG,
    "ref": Kind.TEXT_OR_NULL,
}
"""One visit of `sessions-NNN.jsonl.gz`."""
