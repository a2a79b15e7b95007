"""Sentences that say what a chart or a table shows: its title, and its text alternative."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from report_morning.model import State
from report_morning.wording import (
    clock,
    count,
    day_short,
    duration,
    listed,
    money,
    percent,
)

if TYPE_CHECKING:
    from report_morning.model import Buyers, Channel, Delivery, Report, TrendDay

__all__ = ["days_shown", "findings"]

_AT_LEAST_SHOWN: Final = 8
"""A week and the day to compare with."""


def findings(report: Report) -> dict[str, str]:
    """Return the page's titles and text alternatives by name."""
    said = {
        "people": _people(report),
        "fresh": _fresh(report),
        "sources": _sources(report),
        "trend": _trend(report),
        "trend_alt": _trend_alt(days_shown(report.trend)),
        "trend_days": f"{len(days_shown(report.trend))} days",
        "trend_note": _trend_note(report.trend),
        "counts": _counts(report),
        "counts_alt": _counts_alt(report),
        "funnel": _funnel(report.channels),
        "delivery": _delivery(report.delivery),
        "delivery_alt": _delivery_alt(report.delivery),
        "tickets": _tickets(report),
        "buyers": _buyers(report.buyers),
        "countries": _countries(report),
    }
    return said | {f"funnel_{c.source}_alt": _funnel_alt(c) for c in report.channels}


def days_shown(days: tuple[TrendDay, ...]) -> tuple[TrendDay, ...]:
    """Leave out the days before the data begins, down to eight: a chart of nothing says nothing."""
    first = next((i for i, day in enumerate(days) if day.published), len(days))
    return days[min(first, len(days) - _AT_LEAST_SHOWN) :]


def _people(report: Report) -> str:
    people = report.customers
    told = [f"{count(people.active.value)} active", f"{count(people.new)} new"]
    grown = people.total.previous_week
    if grown is not None:
        more = people.total.value - grown
        way = "more" if more >= 0 else "fewer"
        told.append(f"{count(abs(more))} {way} than a week before")
    return f"{listed(told)}."


def _fresh(report: Report) -> str:
    rows = sum(source.rows for source in report.sources)
    known = [s.quarantined_rows for s in report.sources if s.quarantined_rows is not None]
    moments = [s.latest for s in report.sources if s.latest]
    until = f"Data up to {clock(max(moments), report.business_date)}" if moments else "No records"
    if not known:
        return f"{until}."
    aside = sum(known)
    of_all = f"{count(aside)} of {count(rows + aside)} rows set aside"
    return f"{until}; {of_all if aside else 'no row set aside'}."


def _sources(report: Report) -> str:
    whole = [s for s in report.sources if s.state is State.GOOD]
    if len(whole) < len(report.sources):
        return f"{len(whole)} of {len(report.sources)} sources are complete"
    moments = [s.latest for s in report.sources if s.latest]
    if not moments:
        return "All sources delivered; none had anything to report"
    return f"All sources are complete, up to {clock(max(moments), report.business_date)}"


def _trend(report: Report) -> str:
    sold = report.sales
    if not sold.orders.value:
        return f"No orders on {day_short(report.business_date)}"
    revenue = sold.revenue
    if revenue.change_percent is None:
        return f"Revenue was {money(revenue.value)}"
    weekday = f"{report.business_date:%A}"
    if revenue.change_percent == 0:
        return f"Revenue was {money(revenue.value)}, the same as the {weekday} before"
    way = "up" if revenue.change_percent > 0 else "down"
    share = percent(abs(revenue.change_percent), 1)
    return f"Revenue was {money(revenue.value)}, {way} {share} on the {weekday} before"


def _trend_alt(days: tuple[TrendDay, ...]) -> str:
    known = [day for day in days if day.published]
    if not known:
        return "Revenue by day: no data."
    best = max(known, key=lambda day: day.revenue)
    last = days[-1]
    return (
        f"Revenue by day over {len(days)} days. Last day, {day_short(last.date)}: "
        f"{money(last.revenue)}. Best day, {day_short(best.date)}: {money(best.revenue)}. "
        f"{len(days) - len(known)} days without data."
    )


def _trend_note(days: tuple[TrendDay, ...]) -> str:
    """Say what the gaps in the chart are: days without orders, days without data."""
    known = [day.date for day in days if day.published]
    gaps = [day for day in days if known and day.date > known[0] and not day.published]
    closed = [day for day in days if day.published and not day.orders]
    told = []
    if closed:
        weekdays = {f"{day.date:%A}" for day in closed}
        whole = all(d in closed for d in days if f"{d.date:%A}" in weekdays and d.published)
        names = [f"{w}s" for w in sorted(weekdays)]
        dates = [f"{day.date.day} {day.date:%B}" for day in closed]
        told.append(
            f"No orders on {listed(names if whole and len(names) < len(closed) else dates)}."
        )
    if gaps:
        told.append(f"No data for {count(len(gaps))} of the {len(days)} days (marked ?).")
    if known and known[0] > days[0].date:
        told.append(f"The data begins on {day_short(known[0])}.")
    return " ".join(told)


def _counts(report: Report) -> str:
    if not report.customer_counts:
        return "No team's own count is there to compare with"
    owns = [one.own for one in report.customer_counts]
    unified = count(report.customers.total.value)
    lowest, highest = count(min(owns)), count(max(owns))
    return f"The teams count {lowest} to {highest} customers; there are {unified}"


def _counts_alt(report: Report) -> str:
    told = [f"{one.title} counts {count(one.own)}" for one in report.customer_counts]
    return f"{listed(told)}; the one count is {count(report.customers.total.value)}."


def _funnel(channels: tuple[Channel, ...]) -> str:
    told = [
        f"{percent(c.order_rate_percent, 1)} of sessions in the {c.title.lower()}"
        for c in channels
        if c.order_rate_percent is not None
    ]
    if not told:
        return "No sessions were recorded"
    if not any(channel.order for channel in channels):
        return "No session became an order"
    return f"{listed(told)} became an order"


def _funnel_alt(channel: Channel) -> str:
    return (
        f"{channel.title}: {count(channel.sessions)} sessions, {count(channel.basket)} with a "
        f"basket, {count(channel.checkout)} to checkout, {count(channel.order)} ordered."
    )


def _delivery(parcels: Delivery) -> str:
    if not parcels.available:
        return "Delivery has not reported"
    if not parcels.delivered.value:
        return "No parcels were delivered"
    if parcels.on_time_percent is None:
        return f"{count(parcels.delivered.value)} parcels were delivered"
    share = percent(parcels.on_time_percent.value, 1)
    return f"{share} of parcels arrived within {parcels.promise_days} days of the order"


def _delivery_alt(parcels: Delivery) -> str:
    told = [f"{count(d.shipments)} within {d.days} days" for d in parcels.by_days if d.shipments]
    median = duration(parcels.median_hours)
    return f"Parcels by days since the order: {listed(told)}. Half arrived within {median}."


def _tickets(report: Report) -> str:
    found = report.tickets
    if not found.available:
        return "Customer support has not reported"
    if not found.total.value:
        return "No support tickets"
    most = max(found.by_kind, key=lambda kind: kind.tickets.value)
    number = count(found.total.value)
    return f"{number} support tickets, most of them {most.title.lower()}"


def _buyers(kinds: tuple[Buyers, ...]) -> str:
    total = sum(kind.customers for kind in kinds)
    if not total:
        return "Nobody bought"
    came_back = next(kind.customers for kind in kinds if kind.kind == "returning")
    if not came_back:
        return f"All {count(total)} buyers ordered for the first time"
    return f"{count(came_back)} of {count(total)} buyers had ordered before"


def _countries(report: Report) -> str:
    if not report.countries:
        return "No orders from any country"
    first = report.countries[0]
    if not first.share_percent:
        return "No revenue from any country"
    return f"{first.country} brought {percent(first.share_percent)} of revenue"
