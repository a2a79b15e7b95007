"""The job by the real runner, on real tables."""

from __future__ import annotations

import datetime as dt
import json

import polars as pl
import pytest

from report_morning.job import run
from report_morning.sample import DAY, Rows, frames, month
from stationmaster.step.testing import run_job

SUNDAY = dt.date(2011, 11, 20)


@pytest.fixture(scope="module")
def rows() -> Rows:
    """Make the day and the one it is compared with."""
    before = DAY - dt.timedelta(days=7)
    return {
        name: [row for row in all_rows if row["business_date"] in {before, DAY}]
        for name, all_rows in month(first=before).items()
    }


def test_step_publishes_table_page_and_json(rows: Rows) -> None:
    """One run gives `daily_metrics`, index.html and report.json, and they agree."""
    done = run_job(run, DAY, tables=frames(rows))

    assert done.exit_code == 0
    document = json.loads(done.files["morning_report/report.json"])
    page = done.files["morning_report/index.html"].decode()
    table = done.table("daily_metrics")
    revenue = table.filter(metric="revenue", dimension="all")["value"].item()
    assert document["schema_version"] == 1
    assert document["sales"]["revenue"]["value"] == revenue
    assert document["headline"] in page


def test_the_reports_numbers_stand_in_its_result() -> None:
    """Monitoring holds them against other days, and orders against parcels that were picked up."""
    days = {DAY - dt.timedelta(days=1), DAY}
    two = {
        name: [row for row in every if row["business_date"] in days]
        for name, every in month(first=min(days)).items()
    }

    done = run_job(run, DAY, tables=frames(two))

    document = json.loads(done.files["morning_report/report.json"])
    told = done.result.figures
    assert told["morning_report/revenue"] == document["sales"]["revenue"]["value"]
    assert told["morning_report/web_orders_day_before"] > 0
    assert (
        told["morning_report/web_picked_up_day_before"]
        <= told["morning_report/web_orders_day_before"]
    )


@pytest.mark.parametrize(("kept", "all_known"), [(1, True), (2, False)])
def test_parcels_of_orders_that_nobody_sent_are_counted(kept: int, *, all_known: bool) -> None:
    """With every second order of the day missing, parcels are picked up that belong to none."""
    days = {DAY - dt.timedelta(days=1), DAY}
    some = {
        name: [row for row in every if row["business_date"] in days]
        for name, every in month(first=min(days)).items()
    }
    today = [row for row in some["unified_orders"] if row["business_date"] == DAY]
    before = [row for row in some["unified_orders"] if row["business_date"] != DAY]
    some["unified_orders"] = before + today[::kept]

    told = run_job(run, DAY, tables=frames(some)).result.figures

    picked = told["morning_report/parcels_picked_up"]
    known = told["morning_report/parcels_of_known_orders"]
    assert picked > 0
    assert (known == picked) is all_known


def test_a_source_that_never_arrived_is_on_the_page(rows: Rows) -> None:
    """Without a single support ticket table the report is still written, and says so."""
    tables = {name: f for name, f in frames(rows).items() if name != "support_tickets"}
    done = run_job(run, DAY, tables=tables)

    assert done.exit_code == 0
    assert b"Not complete: Customer support missing" in done.files["morning_report/index.html"]


def test_without_unified_customers_nothing_is_published(rows: Rows) -> None:
    """The report waits for the merge: retry later, and no page with a wrong count."""
    tables = {name: f for name, f in frames(rows).items() if name != "unified_customers"}
    done = run_job(run, DAY, tables=tables)

    assert done.exit_code == 69
    assert done.result.error is not None
    assert "unified_customers" in done.result.error.message
    assert done.files == {}


def test_a_late_day_writes_the_later_reports_again(rows: Rows) -> None:
    """Reports are cumulative: after Sunday was done again, Monday's compares anew."""
    tables = frames(rows)
    for name in ("unified_customers", "identity_changes"):
        sunday = tables[name].with_columns(business_date=pl.lit(SUNDAY))
        tables[name] = pl.concat([tables[name], sunday])
    first = run_job(run, DAY, tables=tables)
    again = run_job(run, SUNDAY, home=first.home)

    assert again.exit_code == 0
    written = [(o.dataset, o.business_date) for o in again.result.outputs]
    assert written.count(("daily_metrics", SUNDAY)) == 1
    assert written.count(("daily_metrics", DAY)) == 1
