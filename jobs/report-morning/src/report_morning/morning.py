"""What the report is made from: frames of the business date and of days before it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import polars as pl

from report_morning.model import Compared

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

__all__ = ["RECORDS", "SOURCES", "TREND_DAYS", "WEEK", "Morning", "compared"]

WEEK: Final = dt.timedelta(days=7)
TREND_DAYS: Final = 28

SOURCES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "web": ("Web shop", ("web_orders", "web_sessions")),
    "app": ("Mobile app", ("app_orders", "app_sessions")),
    "delivery": ("Delivery", ("delivery_events",)),
    "support": ("Customer support", ("support_tickets",)),
}
"""Source -> title for people, datasets that come from it."""

RECORDS: Final = {
    "web_orders": "orders",
    "web_sessions": "sessions",
    "app_orders": "orders",
    "app_sessions": "sessions",
    "delivery_events": "parcel events",
    "support_tickets": "tickets",
}
"""Dataset of a source -> what its rows are to people."""


@dataclass(frozen=True)
class Morning:
    """Hold the inputs of one report.

    Attributes:
        business_date: The day reported on.
        zone: The zone whose calendar day it is.
        tables: Dataset -> rows with `business_date`, up to and including the business date.
        published: Dataset -> the days whose partition is published; a day may have no rows.
        quarantined: Dataset -> rows set aside on the business date by rule; None: not known.
    """

    business_date: dt.date
    zone: ZoneInfo
    tables: Mapping[str, pl.LazyFrame]
    published: Mapping[str, frozenset[dt.date]]
    quarantined: Mapping[str, Mapping[str, int]] | None = None

    @property
    def week_before(self) -> dt.date:
        """Return the same weekday of the week before."""
        return self.business_date - WEEK

    def has(self, dataset: str, day: dt.date | None = None) -> bool:
        """Tell whether a dataset's partition is published, of the business date by default."""
        return (day or self.business_date) in self.published.get(dataset, frozenset())

    def day(self, dataset: str, day: dt.date | None = None) -> pl.LazyFrame:
        """Return the rows of one day, of the business date by default."""
        return self.tables[dataset].filter(pl.col("business_date") == (day or self.business_date))

    def since(self, dataset: str, first: dt.date) -> pl.LazyFrame:
        """Return the rows from `first` to the business date."""
        return self.tables[dataset].filter(
            pl.col("business_date").is_between(first, self.business_date)
        )

    def total(self, dataset: str, value: pl.Expr, day: dt.date | None = None) -> float:
        """Return an aggregate over one day as a number, 0 where there are no rows."""
        got = self.day(dataset, day).select(value.cast(pl.Float64)).collect().item()
        return round(cast("float", got), 2) if got is not None else 0.0

    def compared(self, dataset: str, value: pl.Expr) -> Compared:
        """Return an aggregate over the business date beside that of the week before."""
        before = (
            self.total(dataset, value, self.week_before)
            if self.has(dataset, self.week_before)
            else None
        )
        return compared(self.total(dataset, value), before)


def compared(value: float, before: float | None) -> Compared:
    """Set a number beside the one before it; per cent to one decimal, none against zero."""
    percent = round((value - before) / before * 100, 1) if before else None
    return Compared(value=value, previous_week=before, change_percent=percent)
