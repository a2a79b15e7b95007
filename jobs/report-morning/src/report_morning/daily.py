"""The report's numbers as rows of `daily_metrics`, for dashboards and later reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import polars as pl

from report_morning.model import Compared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from report_morning.model import Delivery, Report, Tickets

__all__ = ["METRIC_SCHEMA", "daily_metrics"]

METRIC_SCHEMA: Final = {
    "business_date": pl.Date,
    "metric": pl.String,
    "dimension": pl.String,
    "value": pl.Float64,
    "previous_week": pl.Float64,
    "change_percent": pl.Float64,
}
_ALL: Final = "all"

_Row: TypeAlias = tuple[str, str, Compared]


def daily_metrics(report: Report) -> pl.DataFrame:
    """Flatten a report into one row for each (metric, dimension), sorted."""
    rows = [
        (
            report.business_date,
            metric,
            dimension,
            number.value,
            number.previous_week,
            number.change_percent,
        )
        for metric, dimension, number in _rows(report)
    ]
    return pl.DataFrame(rows, schema=METRIC_SCHEMA, orient="row").sort("metric", "dimension")


def _rows(report: Report) -> Iterator[_Row]:
    yield from _customer_rows(report)
    yield from _sales_rows(report)
    yield from _channel_rows(report)
    if report.delivery.available:
        yield from _delivery_rows(report.delivery)
    if report.tickets.available:
        yield from _ticket_rows(report.tickets)
    for source in report.sources:
        yield "rows_arrived", source.source, _alone(source.rows)
        if source.quarantined_rows is not None:
            yield "rows_quarantined", source.source, _alone(source.quarantined_rows)


def _customer_rows(report: Report) -> Iterator[_Row]:
    people = report.customers
    yield "customers", _ALL, people.total
    yield "customers_active", _ALL, people.active
    yield "customers_new", _ALL, _alone(people.new)
    yield "customers_merged", _ALL, _alone(people.merged)
    yield "customers_split", _ALL, _alone(people.split)
    for own in report.customer_counts:
        yield "customers_own_count", own.source, _alone(own.own)
        yield "customers_unexplained", own.source, _alone(own.unexplained)


def _sales_rows(report: Report) -> Iterator[_Row]:
    sold = report.sales
    yield "orders", _ALL, sold.orders
    yield "revenue", _ALL, sold.revenue
    for metric in ("average_order", "cancellations", "cancelled_amount"):
        number: Compared | None = getattr(sold, metric)
        if number is not None:
            yield metric, _ALL, number
    for source, orders in sold.orders_by_source.items():
        yield "orders", source, orders
        yield "revenue", source, sold.revenue_by_source[source]
    for buyers in report.buyers:
        yield "buyers", buyers.kind, _alone(buyers.customers)
        yield "buyers_revenue", buyers.kind, _alone(buyers.revenue)
    for country in report.countries:
        yield "country_revenue", country.country, _alone(country.revenue)


def _channel_rows(report: Report) -> Iterator[_Row]:
    for channel in report.channels:
        for stage in ("sessions", "basket", "checkout", "order") * channel.available:
            yield f"funnel_{stage}", channel.source, _alone(getattr(channel, stage))


def _ticket_rows(found: Tickets) -> Iterator[_Row]:
    yield "tickets", _ALL, found.total
    for kind in found.by_kind:
        yield "tickets", kind.kind, kind.tickets
        yield "tickets_still_open", kind.kind, _alone(kind.still_open)


def _delivery_rows(parcels: Delivery) -> Iterator[_Row]:
    yield "parcels_delivered", _ALL, parcels.delivered
    yield "parcels_failed_attempts", _ALL, parcels.failed_attempts
    yield "parcels_returned", _ALL, parcels.returned
    if parcels.on_time_percent is not None:
        yield "parcels_on_time_percent", _ALL, parcels.on_time_percent
    if parcels.median_hours is not None:
        yield "parcels_median_hours", _ALL, _alone(parcels.median_hours)


def _alone(value: float) -> Compared:
    return Compared(value=value)
