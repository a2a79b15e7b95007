"""After the order: parcels and support tickets."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import polars as pl

from report_morning.model import Compared, Delivery, DeliveryDays, Tickets, TicketsOfKind
from report_morning.morning import compared

if TYPE_CHECKING:
    from report_morning.morning import Morning

__all__ = ["delivery", "tickets"]

_EVENTS: Final = "delivery_events"
_TICKETS: Final = "support_tickets"
_LOOK_BACK: Final = dt.timedelta(days=60)
"""How long before its delivery an order is looked for; older parcels count as untimed."""
_LAST_BAR: Final = 7
_KINDS: Final = {
    "cancellation": "Cancellations",
    "complaint": "Complaints",
    "question": "Questions",
}
_CLOSED: Final = ("closed", "solved", "resolved", "done")


def delivery(morning: Morning, promise_days: int) -> Delivery:
    """Measure parcels delivered on the business date, from order to door."""
    hours = _hours(morning, morning.business_date)
    on_time = _on_time(hours, promise_days)
    before = (
        _on_time(_hours(morning, morning.week_before), promise_days)
        if morning.has(_EVENTS, morning.week_before)
        else None
    )
    return Delivery(
        available=morning.has(_EVENTS),
        promise_days=promise_days,
        delivered=morning.compared(_EVENTS, _is("delivered").sum()),
        timed=hours.len(),
        on_time_percent=compared(on_time, before) if on_time is not None else None,
        median_hours=_rounded(hours.median()),
        slowest_tenth_hours=_rounded(hours.quantile(0.9, interpolation="nearest")),
        failed_attempts=morning.compared(_EVENTS, _is("failed_attempt").sum()),
        returned=morning.compared(_EVENTS, _is("returned").sum()),
        by_days=_by_days(hours, promise_days),
    )


def _is(event: str) -> pl.Expr:
    return pl.col("event") == event


def _hours(morning: Morning, day: dt.date) -> pl.Series:
    """Return hours from order to delivery of each parcel delivered on a day, sorted."""
    delivered = (
        morning.day(_EVENTS, day)
        .filter(_is("delivered"))
        .group_by("shipment_id")
        .agg(pl.col("order_id").first(), pl.col("event_at").min())
    )
    orders = morning.since("unified_orders", day - _LOOK_BACK).select("order_id", "ordered_at")
    return (
        delivered.join(orders, on="order_id")
        .select(hours=(pl.col("event_at") - pl.col("ordered_at")).dt.total_seconds() / 3600)
        .sort("hours")
        .collect()["hours"]
    )


def _on_time(hours: pl.Series, promise_days: int) -> float | None:
    if hours.is_empty():
        return None
    return round(100 * int((hours <= promise_days * 24).sum()) / hours.len(), 1)


def _rounded(value: object) -> float | None:
    return round(value, 1) if isinstance(value, float) else None


def _by_days(hours: pl.Series, promise_days: int) -> tuple[DeliveryDays, ...]:
    if hours.is_empty():
        return ()
    bars = max(_LAST_BAR, promise_days + 1)
    whole = (hours / 24).ceil().cast(pl.Int64).clip(1, bars)
    counted = dict(whole.value_counts().iter_rows())
    return tuple(
        DeliveryDays(
            days=f"{n}+" if n == bars else str(n),
            shipments=counted.get(n, 0),
            on_time=n <= promise_days,
        )
        for n in range(1, bars + 1)
    )


def tickets(morning: Morning, cancelled_amount: Compared | None) -> Tickets:
    """Count the tickets created on the business date by kind."""
    seen = morning.day(_TICKETS).select("kind").unique().collect()["kind"].to_list()
    kinds = {**_KINDS, **{kind: kind for kind in sorted(seen) if kind not in _KINDS}}
    return Tickets(
        available=morning.has(_TICKETS),
        total=morning.compared(_TICKETS, pl.len()),
        cancelled_amount=cancelled_amount,
        by_kind=tuple(_kind(morning, kind, title) for kind, title in kinds.items()),
    )


def _kind(morning: Morning, kind: str, title: str) -> TicketsOfKind:
    of_kind = pl.col("kind") == kind
    still_open = of_kind & ~pl.col("status").is_in(_CLOSED)
    return TicketsOfKind(
        kind=kind,
        title=title,
        tickets=morning.compared(_TICKETS, of_kind.sum()),
        still_open=int(morning.total(_TICKETS, still_open.sum())),
    )
