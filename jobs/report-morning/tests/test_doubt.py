"""Days that are not like others: the page says what it does not know."""

from __future__ import annotations

import dataclasses
import datetime as dt

import polars as pl
import pytest

from report_morning.build import build
from report_morning.daily import daily_metrics
from report_morning.model import Report, State
from report_morning.page import render
from report_morning.sample import DAY, Rows, month, morning_of

SATURDAY = dt.date(2011, 11, 19)


@pytest.fixture(scope="module")
def rows() -> Rows:
    """Make the month once."""
    return month()


def _build(rows: Rows, *missing: str) -> Report:
    return build(morning_of(rows, missing=frozenset(missing)), promise_days=2)


def test_a_whole_day_is_ready_to_show(rows: Rows) -> None:
    """All four sources arrived and the orders add up: the verdict says so."""
    report = _build(rows)

    assert report.verdict.state is State.GOOD
    assert report.verdict.title.startswith("Ready to show")
    assert report.checks[0] == "All 94 orders of web and app belong to a customer."
    assert report.comparison_note == "Compared with Monday 14 November."


def test_a_missing_source_is_named(rows: Rows) -> None:
    """Without the support system the page says so, and shows no cancelled amount of nought."""
    report = _build(rows, "support_tickets")

    assert report.verdict.title == "Not complete: Customer support missing"
    assert report.verdict.reasons == (
        "Customer support: No tickets have arrived for Monday 21 November.",
    )
    assert report.sales.cancelled_amount is None
    assert "support is missing" in render(report)
    assert "cancelled_amount" not in daily_metrics(report)["metric"].to_list()


def test_a_missing_shop_is_named_beside_revenue(rows: Rows) -> None:
    """Revenue without the app's orders carries that in its note."""
    report = _build(rows, "app_orders", "app_sessions")

    assert "Orders and revenue are without Mobile app." in report.comparison_note
    assert "Nothing has arrived for this day." in render(report)


def test_far_fewer_rows_than_usual_need_care(rows: Rows) -> None:
    """A source that sent a fraction of its usual rows is not taken for complete."""
    morning = morning_of(rows)
    events = morning.tables["delivery_events"]
    other_days = pl.col("business_date") != DAY
    few = pl.concat([events.filter(other_days), events.filter(~other_days).head(9)])
    thin = dataclasses.replace(morning, tables={**morning.tables, "delivery_events": few})

    delivery = build(thin, promise_days=2).sources[2]

    assert delivery.state is State.CARE
    assert "9 parcel events where" in delivery.sentence


def test_many_rows_set_aside_need_care(rows: Rows) -> None:
    """More than one row of a hundred in quarantine is said with numbers and reason."""
    aside = {"support_tickets": {"kind_valid_values": 4}}
    morning = dataclasses.replace(morning_of(rows), quarantined=aside)
    report = build(morning, promise_days=2)

    assert report.verdict.reasons == ("Customer support: 4 of 20 rows were set aside.",)
    assert "4 of the tickets set aside: kind is none of the known values." in render(report)


def test_unknown_quarantine_is_not_told_as_none(rows: Rows) -> None:
    """Where nobody tells what was set aside, the page does not claim that nothing was."""
    morning = dataclasses.replace(morning_of(rows), quarantined=None)
    report = build(morning, promise_days=2)

    assert report.sources[0].quarantined_rows is None
    assert "set aside;" not in render(report)
    assert "no row set aside" not in render(report)


def test_a_closed_saturday_is_no_drop() -> None:
    """Without orders on Saturdays there is nothing to compare, nor a fall of 100 %."""
    report = build(morning_of(month(SATURDAY), SATURDAY), promise_days=2)
    page = render(report)

    assert report.sales.orders.change_percent is None
    assert report.sales.average_order is None
    assert "no orders on Saturday 12 November, nor on any Saturday before" in page
    assert "No orders on Saturdays." in page
    assert "100.0%" not in page


def test_the_first_day_has_no_history() -> None:
    """The very first day compares with nothing and says when the data begins."""
    report = build(morning_of(month(DAY, DAY), DAY, DAY), promise_days=2)

    assert report.sales.revenue.previous_week is None
    assert report.customers.total.previous_week is None
    assert report.comparison_note == (
        "Nothing to compare with yet: the data begins on Monday 21 November."
    )
    page = render(report)
    assert "The data begins on Monday 21 November." in page
    assert "Revenue by day, 8 days" in page


def test_orders_without_a_customer_are_told(rows: Rows) -> None:
    """When fewer orders are unified than were sent, the verdict has both numbers."""
    lost = {**rows, "unified_orders": rows["unified_orders"][:-4]}
    reasons = _build(lost).verdict.reasons

    assert "Web and app sent 94 orders, 90 belong to a customer." in reasons


def test_an_empty_day_renders(rows: Rows) -> None:
    """A business without a single row gets a page that says so, not an error."""
    report = _build({name: [] for name in rows})
    page = render(report)

    assert "One customer count: 0 people" in page
    assert "No sessions were recorded" in page
    assert "Nobody bought" in page
