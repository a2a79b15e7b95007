"""What the support API promised its answers look like."""

from __future__ import annotations

from typing import Final

from stationmaster.step.extraction.shapes import Kind, Shape

__all__ = ["PAGE", "STATUS", "TICKET"]

TICKET: Final[Shape] = {
    "ticket_id": Kind.TEXT,
    "created_at": Kind.TEXT,
    "updated_at": Kind.TEXT,
    "order_ref": Kind.TEXT_OR_NULL,
    "customer": {
        "email": Kind.TEXT_OR_NULL,
        "name": Kind.TEXT_OR_NULL,
        "phone": Kind.TEXT_OR_NULL,
    },
    "kind": Kind.TEXT,
    "subject": Kind.TEXT_OR_NULL,
    "status": Kind.TEXT,
    "cancelled_amount": Kind.TEXT_OR_NULL,
}
"""One ticket of `GET /v1/tickets`."""

PAGE: Final[Shape] = {
    "tickets": [{}],
    "page": Kind.WHOLE,
    "pages": Kind.WHOLE,
    "total": Kind.WHOLE,
}
"""One page of `GET /v1/tickets`; its tickets are checked apart."""

STATUS: Final[Shape] = {"complete_through": Kind.TEXT_OR_NULL}
"""The answer of `GET /v1/status`; null before the first day."""
