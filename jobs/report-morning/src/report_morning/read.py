"""Read what the report needs, and no column more."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from report_morning.morning import SOURCES, Morning
from stationmaster.step import UpstreamUnavailableError

if TYPE_CHECKING:
    from stationmaster.step import Inputs

__all__ = ["COLUMNS", "read_morning"]

_TIME: Final = pl.Datetime("us", "UTC")
_MONEY: Final = pl.Decimal(12, 2)
_SESSION: Final = {
    "started_at": _TIME,
    "added_to_cart": pl.Boolean,
    "checked_out": pl.Boolean,
    "order_id": pl.String,
}

COLUMNS: Final[dict[str, dict[str, Any]]] = {
    "web_orders": {"ordered_at": _TIME},
    "web_sessions": _SESSION,
    "app_orders": {"ordered_at": _TIME},
    "app_sessions": _SESSION,
    "delivery_events": {
        "shipment_id": pl.String,
        "order_id": pl.String,
        "event": pl.String,
        "event_at": _TIME,
    },
    "support_tickets": {
        "created_at": _TIME,
        "kind": pl.String,
        "status": pl.String,
        "cancelled_amount": _MONEY,
    },
    "unified_customers": {
        "unified_id": pl.String,
        "first_seen": pl.Date,
        "active": pl.Boolean,
        "orders_to_date": pl.Int64,
        "country": pl.String,
    },
    "unified_orders": {
        "order_id": pl.String,
        "source": pl.String,
        "unified_id": pl.String,
        "ordered_at": _TIME,
        "revenue": _MONEY,
    },
    "identity_changes": {"change": pl.String},
    "customer_counts": {
        "source": pl.String,
        "measure": pl.String,
        "value": pl.Int64,
        "explanation": pl.String,
    },
}
"""Dataset -> the columns read of it, beside `business_date`."""

_ONE_DAY: Final = frozenset({"unified_customers", "identity_changes"})
"""Datasets of which a report needs its own day only; a partition of people holds everybody."""
_HISTORY: Final = dt.timedelta(days=90)
"""More than any number looks back: the trend, four weeks of the usual, parcels of 60 days and
the week before."""


def read_morning(inputs: Inputs) -> Morning:
    """Read the frames of one business date.

    A source that has not been published is told on the page; the unified tables must be there.

    Raises:
        UpstreamUnavailableError: A unified table is not published for the business date.
    """
    of_sources = [name for _, names in SOURCES.values() for name in names]
    tables: dict[str, pl.LazyFrame] = {}
    published: dict[str, frozenset[dt.date]] = {}
    for dataset in COLUMNS:
        days = frozenset(inputs.business_dates(dataset))
        try:
            tables[dataset] = _read(inputs, dataset)
        except UpstreamUnavailableError:
            if dataset not in of_sources:
                raise
            tables[dataset], days = _nothing(dataset), frozenset()
        published[dataset] = days
    aside = {dataset: inputs.quarantined(dataset) for dataset in of_sources}
    return Morning(inputs.business_date, inputs.zone, tables, published, aside)


def _read(inputs: Inputs, dataset: str) -> pl.LazyFrame:
    """Read the business date, and for what is compared the days before it."""
    first = inputs.business_date - _HISTORY
    return (
        inputs.table(dataset, through=dataset not in _ONE_DAY)
        .filter(pl.col("business_date") >= first)
        .select("business_date", *COLUMNS[dataset])
    )


def _nothing(dataset: str) -> pl.LazyFrame:
    return pl.LazyFrame(schema={"business_date": pl.Date, **COLUMNS[dataset]})
