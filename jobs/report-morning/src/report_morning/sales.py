"""Orders, revenue, cancellations, who bought, where, and how sessions became orders."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import polars as pl

from report_morning.model import Buyers, Channel, Compared, Country, Sales, TrendDay
from report_morning.morning import TREND_DAYS, compared

if TYPE_CHECKING:
    from report_morning.morning import Morning

__all__ = ["buyers", "channels", "countries", "sales", "trend"]

_ORDERS: Final = "unified_orders"
_CANCELLED: Final = pl.col("kind") == "cancellation"
_TOP_COUNTRIES: Final = 5


def sales(morning: Morning) -> Sales:
    """Sum up the business date against the same weekday before."""
    orders = morning.compared(_ORDERS, pl.len())
    revenue = morning.compared(_ORDERS, _money("revenue"))
    told = morning.has("support_tickets")
    amount = _money("cancelled_amount", where=_CANCELLED)
    return Sales(
        orders=orders,
        revenue=revenue,
        average_order=_average(revenue, orders),
        cancellations=morning.compared("support_tickets", _CANCELLED.sum()) if told else None,
        cancelled_amount=morning.compared("support_tickets", amount) if told else None,
        orders_by_source={
            source: morning.compared(_ORDERS, (pl.col("source") == source).sum())
            for source in ("web", "app")
        },
        revenue_by_source={
            source: morning.compared(_ORDERS, _money("revenue", pl.col("source") == source))
            for source in ("web", "app")
        },
    )


def _money(column: str, where: pl.Expr | None = None) -> pl.Expr:
    """Sum as the decimal it is, so that pence do not drift."""
    return (pl.col(column).filter(where) if where is not None else pl.col(column)).sum()


def _average(revenue: Compared, orders: Compared) -> Compared | None:
    if not orders.value:
        return None
    before = (
        round((revenue.previous_week or 0) / orders.previous_week, 2)
        if orders.previous_week
        else None
    )
    return compared(round(revenue.value / orders.value, 2), before)


def trend(morning: Morning) -> tuple[TrendDay, ...]:
    """Return the last 28 days, oldest first, days without data among them."""
    first = morning.business_date - dt.timedelta(days=TREND_DAYS - 1)
    found = (
        morning.since(_ORDERS, first)
        .group_by("business_date")
        .agg(orders=pl.len(), revenue=_money("revenue").cast(pl.Float64))
        .collect()
    )
    by_day = {row["business_date"]: row for row in found.iter_rows(named=True)}
    return tuple(
        TrendDay(
            date=day,
            published=morning.has(_ORDERS, day),
            orders=by_day.get(day, {}).get("orders", 0),
            revenue=round(by_day.get(day, {}).get("revenue", 0.0), 2),
        )
        for day in (first + dt.timedelta(days=n) for n in range(TREND_DAYS))
    )


def channels(morning: Morning) -> tuple[Channel, ...]:
    """Follow sessions to basket, checkout and order, for web and app."""
    return tuple(
        _channel(morning, source, title)
        for source, title in (("web", "Web shop"), ("app", "Mobile app"))
    )


def _channel(morning: Morning, source: str, title: str) -> Channel:
    dataset = f"{source}_sessions"
    stages = _stages(morning, dataset, morning.business_date)
    before = (
        _stages(morning, dataset, morning.week_before)
        if morning.has(dataset, morning.week_before)
        else None
    )
    return Channel(
        source=source,
        title=title,
        available=morning.has(dataset),
        **stages,
        order_rate_percent=_rate(stages),
        previous_order_rate_percent=_rate(before) if before else None,
    )


def _stages(morning: Morning, dataset: str, day: dt.date) -> dict[str, int]:
    return (
        morning.day(dataset, day)
        .select(
            sessions=pl.len(),
            basket=pl.col("added_to_cart").sum(),
            checkout=pl.col("checked_out").sum(),
            order=pl.col("order_id").is_not_null().sum(),
        )
        .collect()
        .row(0, named=True)
    )


def _rate(stages: dict[str, int]) -> float | None:
    return round(stages["order"] / stages["sessions"] * 100, 1) if stages["sessions"] else None


def _orders_with_customers(morning: Morning) -> pl.LazyFrame:
    people = morning.day("unified_customers").select("unified_id", "orders_to_date", "country")
    return morning.day(_ORDERS).join(people, on="unified_id", how="left", maintain_order="left")


def buyers(morning: Morning) -> tuple[Buyers, ...]:
    """Split the day's buyers: all their orders are of today, or they bought before."""
    found = (
        _orders_with_customers(morning)
        .group_by("unified_id")
        .agg(
            orders=pl.len(),
            revenue=_money("revenue"),
            to_date=pl.col("orders_to_date").first(),
        )
        .with_columns(first=pl.col("to_date").fill_null(0) <= pl.col("orders"))
        .group_by("first")
        .agg(pl.len(), pl.col("orders").sum(), pl.col("revenue").sum().cast(pl.Float64))
        .collect()
    )
    by_first = {row[0]: row[1:] for row in found.iter_rows()}
    kinds = ((True, "first", "First order"), (False, "returning", "Ordered before"))
    return tuple(
        _buyers(kind, title, *by_first.get(first, (0, 0, 0.0))) for first, kind, title in kinds
    )


def _buyers(kind: str, title: str, customers: int, orders: int, revenue: float) -> Buyers:
    return Buyers(
        kind=kind, title=title, customers=customers, orders=orders, revenue=round(revenue, 2)
    )


def countries(morning: Morning) -> tuple[Country, ...]:
    """Return the five countries with most revenue, and all others as one."""
    found = (
        _orders_with_customers(morning)
        .group_by(country=pl.col("country").fill_null("not given"))
        .agg(orders=pl.len(), revenue=_money("revenue").cast(pl.Float64))
        .sort(["revenue", "orders", "country"], descending=[True, True, False])
        .collect()
    )
    rows = list(found.iter_rows())
    total = sum(revenue for _, _, revenue in rows)
    rest = rows[_TOP_COUNTRIES:]
    if len(rest) > 1:
        others = (f"{len(rest)} others", sum(r[1] for r in rest), sum(r[2] for r in rest))
        rows = [*rows[:_TOP_COUNTRIES], others]
    return tuple(
        Country(
            country=name,
            orders=orders,
            revenue=round(revenue, 2),
            share_percent=round(revenue / total * 100, 1) if total else 0.0,
        )
        for name, orders, revenue in rows
    )
