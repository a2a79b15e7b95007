"""The one customer count, and the way to it from each team's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from report_morning.model import Compared, CustomerCount, CustomerTotals, Reason
from report_morning.morning import SOURCES, compared

if TYPE_CHECKING:
    from report_morning.morning import Morning

__all__ = ["customer_counts", "customer_totals"]

_UNIFIED: Final = "unified"
_OWN: Final = "own_count"
_ACTIVE: Final = "active"
_NO_REASON: Final = frozenset({_OWN, _ACTIVE, "difference"})
"""Measures that are no step of the way: the two ends, the day's activity, and the sum."""


def customer_totals(morning: Morning) -> CustomerTotals:
    """Count all people, those active on the business date and those seen first on it."""
    today = morning.business_date
    people = (
        morning.day("unified_customers")
        .select(
            total=pl.len(),
            active=pl.col("active").sum(),
            new=(pl.col("first_seen") == today).sum(),
        )
        .collect()
        .row(0, named=True)
    )
    changes = dict(morning.day("identity_changes").group_by("change").len().collect().iter_rows())
    return CustomerTotals(
        total=_beside_history(morning, _OWN, people["total"]),
        active=_beside_history(morning, _ACTIVE, people["active"]),
        new=people["new"],
        merged=changes.get("merged", 0),
        split=changes.get("split", 0),
    )


def customer_counts(morning: Morning) -> tuple[CustomerCount, ...]:
    """Lead from each source's own count to the unified one, remainder named."""
    unified = int(morning.total("unified_customers", pl.len()))
    table = morning.day("customer_counts").collect()
    present = set(table["source"].to_list())
    return tuple(
        _count(source, title, table.filter(pl.col("source") == source), unified)
        for source, (title, _) in SOURCES.items()
        if source in present
    )


def _count(source: str, title: str, rows: pl.DataFrame, unified: int) -> CustomerCount:
    values: dict[str, int] = dict(rows.select("measure", "value").iter_rows())
    told: dict[str, str] = dict(rows.select("measure", "explanation").iter_rows())
    reasons = tuple(
        Reason(measure=row["measure"], value=row["value"], explanation=row["explanation"])
        for row in rows.sort(-pl.col("value").abs(), "measure").iter_rows(named=True)
        if row["measure"] not in _NO_REASON
    )
    own = values.get(_OWN, 0)
    return CustomerCount(
        source=source,
        title=title,
        own=own,
        own_explanation=told.get(_OWN, ""),
        active=values.get(_ACTIVE),
        unified=unified,
        reasons=reasons,
        unexplained=unified - own - sum(reason.value for reason in reasons),
    )


def _beside_history(morning: Morning, measure: str, value: int) -> Compared:
    wanted = (pl.col("source") == _UNIFIED) & (pl.col("measure") == measure)
    before = (
        morning.day("customer_counts", morning.week_before)
        .filter(wanted)
        .select("value")
        .collect()["value"]
        .to_list()
    )
    return compared(value, before[0] if before else None)
