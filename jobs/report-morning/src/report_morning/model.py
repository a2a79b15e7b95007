"""Every number of the morning report, as `report.json` holds it and the page shows it."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict

__all__ = [
    "SCHEMA_VERSION",
    "Arrival",
    "Buyers",
    "Channel",
    "Compared",
    "Country",
    "CustomerCount",
    "CustomerTotals",
    "Delivery",
    "DeliveryDays",
    "Quarantined",
    "Reason",
    "Report",
    "Sales",
    "SourceArrival",
    "State",
    "Tickets",
    "TicketsOfKind",
    "TrendDay",
    "Verdict",
]

SCHEMA_VERSION: Final = 1
"""Rises when a field of `report.json` goes or changes its meaning; new fields leave it."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class State(StrEnum):
    """How far a number, a source or the whole page can be relied on."""

    GOOD = "good"
    CARE = "care"
    MISSING = "missing"


class Compared(_Part):
    """Hold a number and the same number a week earlier.

    `previous_week` is null when that day's data is not there at all; `change_percent` is null
    when there is nothing to divide by.
    """

    value: float
    previous_week: float | None = None
    change_percent: float | None = None


class Verdict(_Part):
    """Answer whether the page can be shown, and what is in the way when it can't."""

    state: State
    title: str
    reasons: tuple[str, ...] = ()


class Quarantined(_Part):
    """Count the rows set aside by one rule."""

    rule: str
    rows: int
    meaning: str


class Arrival(_Part):
    """Say what one dataset holds of the business date."""

    dataset: str
    published: bool
    rows: int
    usual_rows: int | None = None
    latest: dt.datetime | None = None
    quarantined: tuple[Quarantined, ...] = ()


class SourceArrival(_Part):
    """Say whether one source's day is there, whole and fresh."""

    source: str
    title: str
    state: State
    sentence: str
    rows: int
    latest: dt.datetime | None
    quarantined_rows: int | None
    datasets: tuple[Arrival, ...]


class CustomerTotals(_Part):
    """Count the distinct people seen up to the business date."""

    total: Compared
    active: Compared
    new: int
    merged: int
    split: int


class Reason(_Part):
    """Give one signed step on the way from a team's own count to the unified one."""

    measure: str
    value: int
    explanation: str


class CustomerCount(_Part):
    """Lead from one team's own customer count to the unified one.

    `own + sum(reasons) + unexplained == unified`; the largest reason stands first.
    """

    source: str
    title: str
    own: int
    own_explanation: str
    active: int | None
    unified: int
    reasons: tuple[Reason, ...]
    unexplained: int


class Sales(_Part):
    """Sum up orders, revenue and cancellations of the business date.

    `average_order` is null without orders, the cancellations are while support is missing.
    """

    orders: Compared
    revenue: Compared
    average_order: Compared | None
    cancellations: Compared | None
    cancelled_amount: Compared | None
    orders_by_source: dict[str, Compared]
    revenue_by_source: dict[str, Compared]


class TrendDay(_Part):
    """Hold one day of the trend; `published` is false where no data is there."""

    date: dt.date
    published: bool
    orders: int
    revenue: float


class Channel(_Part):
    """Follow one channel's sessions to the order; without data while not `available`."""

    source: str
    title: str
    available: bool
    sessions: int
    basket: int
    checkout: int
    order: int
    order_rate_percent: float | None
    previous_order_rate_percent: float | None


class Buyers(_Part):
    """Tell first-time buyers from those who came back."""

    kind: str
    title: str
    customers: int
    orders: int
    revenue: float


class Country(_Part):
    """Sum up the orders of one country's customers."""

    country: str
    orders: int
    revenue: float
    share_percent: float


class DeliveryDays(_Part):
    """Count deliveries by whole days since the order was placed."""

    days: str
    shipments: int
    on_time: bool


class Delivery(_Part):
    """Say how long parcels delivered on the business date were under way.

    Without data while not `available`.
    """

    available: bool
    promise_days: int
    delivered: Compared
    timed: int
    on_time_percent: Compared | None
    median_hours: float | None
    slowest_tenth_hours: float | None
    failed_attempts: Compared
    returned: Compared
    by_days: tuple[DeliveryDays, ...]


class TicketsOfKind(_Part):
    """Count the support tickets of one kind."""

    kind: str
    title: str
    tickets: Compared
    still_open: int


class Tickets(_Part):
    """Sum up the support tickets created on the business date.

    Without data while not `available`.
    """

    available: bool
    total: Compared
    cancelled_amount: Compared | None
    by_kind: tuple[TicketsOfKind, ...]


class Report(_Part):
    """Hold everything the page says."""

    schema_version: int = SCHEMA_VERSION
    business_date: dt.date
    compared_with: dt.date
    zone: str
    currency: str = "GBP"
    headline: str
    verdict: Verdict
    checks: tuple[str, ...]
    sources: tuple[SourceArrival, ...]
    customers: CustomerTotals
    customer_counts: tuple[CustomerCount, ...]
    sales: Sales
    comparison_note: str
    trend: tuple[TrendDay, ...]
    channels: tuple[Channel, ...]
    buyers: tuple[Buyers, ...]
    countries: tuple[Country, ...]
    delivery: Delivery
    tickets: Tickets
