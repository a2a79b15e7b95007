"""From the morning's frames to the report, with the verdict on top."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from report_morning import customers, freshness, sales, service
from report_morning.model import Report, SourceArrival, State, Verdict
from report_morning.wording import count, day_short, listed

if TYPE_CHECKING:
    from report_morning.model import CustomerCount, CustomerTotals
    from report_morning.morning import Morning

__all__ = ["build"]

_SELLING: Final = {"Web shop": ("web_orders",), "Mobile app": ("app_orders",)}


def build(morning: Morning, promise_days: int) -> Report:
    """Work out every number of the report.

    Args:
        morning: The frames.
        promise_days: A parcel is on time within so many times 24 hours of its order.
    """
    sources = freshness.arrivals(morning)
    totals = customers.customer_totals(morning)
    counts = customers.customer_counts(morning)
    sold = sales.sales(morning)
    checks, doubts = _checks(morning, counts)
    return Report(
        business_date=morning.business_date,
        compared_with=morning.week_before,
        zone=morning.zone.key,
        headline=_headline(totals),
        verdict=_verdict(sources, doubts),
        checks=checks,
        sources=sources,
        customers=totals,
        customer_counts=counts,
        sales=sold,
        comparison_note=_comparison_note(morning),
        trend=sales.trend(morning),
        channels=sales.channels(morning),
        buyers=sales.buyers(morning),
        countries=sales.countries(morning),
        delivery=service.delivery(morning, promise_days),
        tickets=service.tickets(morning, sold.cancelled_amount),
    )


def _headline(totals: CustomerTotals) -> str:
    people = "person" if totals.total.value == 1 else "people"
    return f"One customer count: {count(totals.total.value)} {people}"


def _checks(
    morning: Morning, counts: tuple[CustomerCount, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what was found to add up, and what was found not to."""
    good: list[str] = []
    doubts: list[str] = []
    unified = morning.total("unified_orders", pl.len())
    sent = sum(morning.total(name, pl.len()) for name in ("web_orders", "app_orders"))
    if unified == sent:
        good.append(f"All {count(sent)} orders of web and app belong to a customer." * bool(sent))
    else:
        doubts.append(
            f"Web and app sent {count(sent)} orders, {count(unified)} belong to a customer."
        )
    unexplained = [c for c in counts if c.unexplained]
    if unexplained:
        names = listed([c.title for c in unexplained])
        most = max(abs(c.unexplained) for c in unexplained)
        doubts.append(f"No reason is known for up to {count(most)} customers counted by {names}.")
    elif counts:
        good.append("Every team's own count leads to the one count without a remainder.")
    return tuple(line for line in good if line), tuple(doubts)


def _verdict(sources: tuple[SourceArrival, ...], doubts: tuple[str, ...]) -> Verdict:
    missing = [s for s in sources if s.state is State.MISSING]
    care = [s for s in sources if s.state is State.CARE]
    told = tuple(f"{s.title}: {s.sentence}" for s in (*missing, *care)) + doubts
    if missing:
        names = listed([s.title for s in missing])
        return Verdict(state=State.MISSING, title=f"Not complete: {names} missing", reasons=told)
    if told:
        return Verdict(state=State.CARE, title="Show with care", reasons=told)
    title = "Ready to show: all four sources have arrived and the numbers add up"
    return Verdict(state=State.GOOD, title=title)


def _comparison_note(morning: Morning) -> str:
    """Say what the day is compared with, or why it can't be."""
    names = [title for title, names in _SELLING.items() if not all(map(morning.has, names))]
    without = f" Orders and revenue are without {listed(names)}." if names else ""
    return _compared_with(morning) + without


def _compared_with(morning: Morning) -> str:
    before = morning.week_before
    day = day_short(before)
    if not morning.has("unified_orders", before):
        known = sorted(morning.published.get("unified_orders", ()))
        if known and known[0] > before:
            return f"Nothing to compare with yet: the data begins on {day_short(known[0])}."
        return f"Nothing to compare with: {day} has not been processed."
    if not morning.total("unified_orders", pl.len(), before):
        return f"Nothing to compare orders with: there were no orders on {day}{_never(morning)}."
    return f"Compared with {day}."


def _never(morning: Morning) -> str:
    """Add that this weekday never has orders, where that is so."""
    weekday = morning.business_date.isoweekday()
    before = pl.col("business_date") < morning.business_date
    same = pl.col("business_date").dt.weekday() == weekday
    orders = morning.tables["unified_orders"].filter(before & same).select(pl.len()).collect()
    known = [d for d in morning.published["unified_orders"] if d.isoweekday() == weekday]
    if orders.item() or len([d for d in known if d < morning.business_date]) < 2:  # noqa: PLR2004 (one such day is no habit)
        return ""
    return f", nor on any {morning.business_date:%A} before"
