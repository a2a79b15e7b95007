"""The merge as a step: real runner, real tables."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import polars as pl

from merge_customers.job import merge, run
from merge_customers.records import Extracts
from merge_customers.sample import FIRST_DAY, sample_days
from stationmaster.step.testing import run_job

if TYPE_CHECKING:
    from pathlib import Path

SECOND, THIRD = (FIRST_DAY + dt.timedelta(days=number) for number in (1, 2))
TABLES = ("unified_customers", "unified_orders", "identity_changes", "customer_counts")


def on(days: dict[str, pl.DataFrame], *wanted: dt.date) -> dict[str, pl.DataFrame]:
    """Keep some business dates."""
    return {
        name: frame.filter(pl.col("business_date").is_in(wanted)) for name, frame in days.items()
    }


def filled(days: dict[str, pl.DataFrame], day: dt.date) -> dict[str, pl.DataFrame]:
    """Give a day's extracts without the column that the writer adds: also those without rows."""
    return {name: frame.drop("business_date") for name, frame in on(days, day).items()}


def test_a_day_is_merged_into_four_tables() -> None:
    """The step publishes what the pure function gives, under its contracts."""
    days = sample_days(1)
    done = run_job(run, FIRST_DAY, tables=filled(days, FIRST_DAY))
    assert done.exit_code == 0, done.result.error
    expected = merge(Extracts(**{name: frame.lazy() for name, frame in days.items()}), FIRST_DAY)
    for name in TABLES:
        published = done.table(name)
        assert published.height == expected[name].height, name
        assert done.quarantine(name).is_empty()


def test_a_missing_source_is_named() -> None:
    """Without the delivery extract of the day the step asks to be retried and says what lacks."""
    tables = filled(sample_days(1), FIRST_DAY)
    del tables["delivery_events"]
    done = run_job(run, FIRST_DAY, tables=tables)
    assert done.exit_code == 69
    assert done.result.error is not None
    assert "delivery_events" in str(done.result.error)


def test_a_source_without_rows_is_a_quiet_day() -> None:
    """A source that delivered nothing counts nobody, and the others are merged."""
    tables = filled(sample_days(1), FIRST_DAY)
    tables["support_tickets"] = tables["support_tickets"].clear()
    done = run_job(run, FIRST_DAY, tables=tables)
    assert done.exit_code == 0, done.result.error
    counts = done.table("customer_counts").filter(
        pl.col("source") == "support", pl.col("measure") == "own_count"
    )
    assert counts["value"].to_list() == [0]


def test_a_late_day_brings_later_merges_up_to_date(tmp_path: Path) -> None:
    """The second day comes last: its step merges the third again, and all is as in order."""
    days = sample_days(3)
    for day in (FIRST_DAY, THIRD, SECOND):
        done = run_job(run, day, tables=filled(days, day), home=tmp_path / "late")
        assert done.exit_code == 0, done.result.error
    for day in (FIRST_DAY, SECOND, THIRD):
        straight = run_job(run, day, tables=filled(days, day), home=tmp_path / "straight")
    for name in TABLES:
        for day in (FIRST_DAY, SECOND, THIRD):
            late, ordered = (one.table(name, day).rows() for one in (done, straight))
            assert sorted(map(str, late)) == sorted(map(str, ordered)), (name, day)
