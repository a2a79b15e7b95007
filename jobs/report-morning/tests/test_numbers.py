"""Each number of the report, worked out by hand on a day small enough to do so."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from report_morning.build import build
from report_morning.daily import daily_metrics
from report_morning.model import Compared, Report, State
from report_morning.read import COLUMNS
from report_morning.sample import Rows, morning_of

MONDAY = dt.date(2011, 11, 21)
BEFORE = dt.date(2011, 11, 14)


def _at(day: dt.date, hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour, minute), dt.UTC)


def _order(day: dt.date, number: str, source: str, person: str, pounds: str) -> dict[str, Any]:
    return {
        "business_date": day,
        "order_id": number,
        "source": source,
        "unified_id": person,
        "ordered_at": _at(day, 10),
        "revenue": Decimal(pounds),
    }


def _person(name: str, first: dt.date, orders: int, country: str | None) -> dict[str, Any]:
    return {
        "business_date": MONDAY,
        "unified_id": name,
        "first_seen": first,
        "active": name != "cleo",
        "orders_to_date": orders,
        "country": country,
    }


def _event(parcel: str, order: str, event: str, at: dt.datetime) -> dict[str, Any]:
    return {
        "business_date": at.date(),
        "shipment_id": parcel,
        "order_id": order,
        "event": event,
        "event_at": at,
    }


def _ticket(day: dt.date, kind: str, status: str, pounds: str | None) -> dict[str, Any]:
    return {
        "business_date": day,
        "created_at": _at(day, 9),
        "kind": kind,
        "status": status,
        "cancelled_amount": Decimal(pounds) if pounds else None,
    }


def _session(day: dt.date, cart: int, checkout: int, order: str | None) -> dict[str, Any]:
    return {
        "business_date": day,
        "started_at": _at(day, 8),
        "added_to_cart": bool(cart),
        "checked_out": bool(checkout),
        "order_id": order,
    }


def _count(source: str, measure: str, value: int, day: dt.date = MONDAY) -> dict[str, Any]:
    return {
        "business_date": day,
        "source": source,
        "measure": measure,
        "value": value,
        "explanation": measure,
    }


@pytest.fixture
def rows() -> Rows:
    """Four orders of three people on Monday, one a week before."""
    orders = [
        _order(MONDAY, "1", "web", "anna", "100.10"),
        _order(MONDAY, "2", "web", "anna", "0.20"),
        _order(MONDAY, "3", "app", "ben", "50.00"),
        _order(MONDAY, "4", "web", "dora", "49.70"),
        _order(BEFORE, "0", "web", "ben", "80.00"),
    ]
    return {name: [] for name in COLUMNS} | {
        "unified_orders": orders,
        "web_orders": [o for o in orders if o["source"] == "web"],
        "app_orders": [o for o in orders if o["source"] == "app"],
        "unified_customers": [
            _person("anna", MONDAY, 2, "France"),
            _person("ben", BEFORE, 2, "United Kingdom"),
            _person("cleo", BEFORE, 0, "Spain"),
            _person("dora", MONDAY, 1, None),
        ],
        "web_sessions": [
            _session(MONDAY, 1, 1, "1"),
            _session(MONDAY, 1, 0, None),
            _session(MONDAY, 0, 0, None),
            _session(MONDAY, 0, 0, None),
            _session(BEFORE, 1, 1, "0"),
            _session(BEFORE, 0, 0, None),
        ],
        "delivery_events": [
            _event("p0", "0", "delivered", _at(MONDAY, 10)),
            _event("p1", "1", "delivered", _at(MONDAY, 22)),
            _event("p2", "2", "delivered", _at(MONDAY, 23)),
            _event("p3", "3", "failed_attempt", _at(MONDAY, 20)),
            _event("p9", "unknown", "delivered", _at(MONDAY, 20)),
        ],
        "support_tickets": [
            _ticket(MONDAY, "cancellation", "open", "12.50"),
            _ticket(MONDAY, "cancellation", "solved", "7.50"),
            _ticket(MONDAY, "question", "open", None),
            _ticket(BEFORE, "cancellation", "solved", "10.00"),
        ],
        "identity_changes": [{"business_date": MONDAY, "change": "merged"}],
        "customer_counts": [
            _count("web", "own_count", 3),
            _count("web", "guests", 2),
            _count("web", "duplicates", -1),
            _count("app", "own_count", 1),
            _count("unified", "own_count", 2, BEFORE),
            _count("unified", "active", 1, BEFORE),
        ],
    }


@pytest.fixture
def report(rows: Rows) -> Report:
    """Build the report of Monday from the rows."""
    return build(morning_of(rows), promise_days=2)


def test_customers_are_counted_beside_a_week_before(report: Report) -> None:
    """Four people, three of them active, two new; two people and one active a week before."""
    people = report.customers

    assert people.total == Compared(value=4, previous_week=2, change_percent=100.0)
    assert people.active == Compared(value=3, previous_week=1, change_percent=200.0)
    assert (people.new, people.merged, people.split) == (2, 1, 0)
    assert report.headline == "One customer count: 4 people"


def test_orders_and_revenue_add_up_to_the_penny(report: Report) -> None:
    """100.10 + 0.20 + 50.00 + 49.70 is 200 pounds, and 80 the Monday before."""
    sold = report.sales

    assert sold.orders == Compared(value=4, previous_week=1, change_percent=300.0)
    assert sold.revenue == Compared(value=200.0, previous_week=80.0, change_percent=150.0)
    assert sold.average_order == Compared(value=50.0, previous_week=80.0, change_percent=-37.5)
    assert sold.revenue_by_source["web"].value == 150.0
    assert sold.orders_by_source["app"] == Compared(value=1, previous_week=0)


def test_cancellations_are_counted_and_summed(report: Report) -> None:
    """Two cancellations of 12.50 and 7.50 against one of 10 pounds."""
    assert report.sales.cancellations == Compared(value=2, previous_week=1, change_percent=100.0)
    assert report.sales.cancelled_amount == Compared(
        value=20.0, previous_week=10.0, change_percent=100.0
    )


def test_trend_ends_on_the_day_and_knows_gaps(report: Report) -> None:
    """28 days, oldest first; a day before the data begins is no day without orders."""
    assert len(report.trend) == 28
    assert (report.trend[-1].date, report.trend[-1].revenue) == (MONDAY, 200.0)
    assert (report.trend[-8].date, report.trend[-8].orders) == (BEFORE, 1)
    assert report.trend[0].published


def test_funnel_follows_sessions_to_orders(report: Report) -> None:
    """Of four web sessions two filled a basket, one went on and ordered: 25 %, 50 % before."""
    web, app = report.channels

    assert (web.sessions, web.basket, web.checkout, web.order) == (4, 2, 1, 1)
    assert (web.order_rate_percent, web.previous_order_rate_percent) == (25.0, 50.0)
    assert (app.sessions, app.order_rate_percent) == (0, None)


def test_buyers_are_first_time_or_returning(report: Report) -> None:
    """Anna's two orders are her first day, so is Dora's one; Ben had ordered before."""
    first, returning = report.buyers

    assert (first.customers, first.orders, first.revenue) == (2, 3, 150.0)
    assert (returning.customers, returning.orders, returning.revenue) == (1, 1, 50.0)


def test_countries_are_sorted_and_nobody_is_left_out(report: Report) -> None:
    """A customer without a country stands in the table as such."""
    found = [(c.country, c.revenue, c.share_percent) for c in report.countries]

    assert found == [
        ("France", 100.3, 50.1),
        ("United Kingdom", 50.0, 25.0),
        ("not given", 49.7, 24.9),
    ]


def test_deliveries_are_timed_from_the_order(report: Report) -> None:
    """Parcels took 12, 13 and 168 hours; the one of an unknown order is counted, not timed."""
    parcels = report.delivery

    assert (parcels.delivered.value, parcels.timed) == (4, 3)
    assert parcels.on_time_percent is not None
    assert parcels.on_time_percent.value == 66.7
    assert (parcels.median_hours, parcels.slowest_tenth_hours) == (13.0, 168.0)
    assert parcels.failed_attempts.value == 1
    assert [d.shipments for d in parcels.by_days] == [2, 0, 0, 0, 0, 0, 1]


def test_tickets_are_counted_by_kind(report: Report) -> None:
    """Two cancellations, one of them open, one question, no complaint."""
    found = {t.kind: (t.tickets.value, t.still_open) for t in report.tickets.by_kind}

    assert found == {"cancellation": (2, 1), "complaint": (0, 0), "question": (1, 1)}
    assert report.tickets.total.value == 3


def test_the_way_to_the_one_count_adds_up_or_says_so(report: Report) -> None:
    """Web: 3 - 1 + 2 is 4; the app's 1 leaves three people without a reason, and care is due."""
    web, app = report.customer_counts

    assert web.own + sum(r.value for r in web.reasons) == web.unified == 4
    assert (web.unexplained, app.unexplained) == (0, 3)
    assert report.verdict.state is State.CARE
    assert any("No reason is known for up to 3 customers" in r for r in report.verdict.reasons)


def test_every_metric_is_one_row_of_the_table(report: Report) -> None:
    """The table holds the report's numbers under (metric, dimension), each once."""
    table = daily_metrics(report)
    rows = {(r["metric"], r["dimension"]): r for r in table.iter_rows(named=True)}

    assert len(rows) == table.height
    assert rows["revenue", "all"]["value"] == 200.0
    assert rows["revenue", "all"]["previous_week"] == 80.0
    assert rows["customers", "all"]["change_percent"] == 100.0
    assert rows["tickets", "cancellation"]["value"] == 2
    assert rows["rows_quarantined", "web"]["value"] == 3
