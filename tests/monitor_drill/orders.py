"""What the sources of the simulated world deliver: counts of real orders (Online Retail II)."""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from zlib import crc32

import polars as pl

from stationmaster.sources.retail import fetch
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FIRST", "LAST", "Orders", "real_orders"]

FIRST: Final = dt.date(2009, 12, 1)
LAST: Final = dt.date(2011, 12, 8)
"""The data's last whole day."""

WEB_SHARE: Final = 69
"""Of a hundred orders; the others come by the app, as `stationmaster.sources` plays them."""


@dataclass(frozen=True)
class Orders:
    """Hold how many orders each channel had, and what they were worth.

    Args:
        by_day: (web orders, app orders, pounds) of a day.
        by_hour: Orders of each of a day's 24 hours.
    """

    by_day: Mapping[dt.date, tuple[int, int, float]]
    by_hour: Mapping[dt.date, tuple[int, ...]]

    def of(self, day: dt.date) -> tuple[int, int, float]:
        """Return a day's web orders, app orders and pounds; a day on which nobody bought has 0."""
        return self.by_day.get(day, (0, 0, 0.0))

    def hours(self, day: dt.date) -> tuple[int, ...]:
        """Return the orders of each hour of a day."""
        return self.by_hour.get(day, (0,) * 24)


@functools.cache
def real_orders() -> Orders:
    """Return the counts of all real orders, by the shop's own clock."""
    read = pl.read_parquet(fetch(Settings(), progress=lambda _: None).orders)
    drawn = pl.col("invoice").map_elements(lambda text: crc32(text.encode()), pl.Int64)
    web = drawn % 100 < WEB_SHARE
    orders = read.select(
        pl.col("at").dt.date().alias("day"),
        pl.col("at").dt.hour().alias("hour"),
        web.alias("web"),
        (pl.col("total_pence") / 100).alias("pounds"),
    )
    days = orders.group_by("day").agg(
        pl.col("web").sum(), pl.col("web").not_().sum().alias("app"), pl.col("pounds").sum()
    )
    hours: dict[dt.date, list[int]] = {}
    for day, hour, count in orders.group_by("day", "hour").len().iter_rows():
        hours.setdefault(day, [0] * 24)[hour] = count
    return Orders(
        by_day={day: (web, app, pounds) for day, web, app, pounds in days.iter_rows()},
        by_hour={day: tuple(counts) for day, counts in hours.items()},
    )
