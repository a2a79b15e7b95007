"""The generated world: real orders with the people behind them, repeated to a wanted volume."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

import polars as pl

from stationmaster.sources import people, shape
from stationmaster.sources.draw import chance, seeded, unit
from stationmaster.sources.rates import Rates

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from stationmaster.sources.retail import Retail

__all__ = ["BATCH_ROWS", "World", "numbered"]

BATCH_ROWS: Final = 20_000
"""Orders worked on at once: what bounds the memory of a large day."""


@dataclass(frozen=True)
class World:
    """Hold one world: the same retail data, seed, volume and rates give the same bytes.

    Args:
        retail: The fetched real data.
        seed: Another seed gives other people with the same orders.
        orders_a_day: Orders on the median trading day; None: the real ones, once.
        rates: How often people do what.
    """

    retail: Retail
    seed: int = 1
    orders_a_day: int | None = None
    rates: Rates = field(default_factory=Rates)

    @cached_property
    def orders(self) -> pl.DataFrame:
        """Return the real orders with their base people, without their lines."""
        light = pl.read_parquet(self.retail.orders).drop("web_lines", "app_items")
        placed = people.assign(light, self.people, self.seed, self.rates)
        return placed.with_columns(number=pl.col("invoice").cast(pl.UInt64))

    @cached_property
    def people(self) -> pl.DataFrame:
        """Return the base people."""
        columns = ["invoice", "customer", "country"]
        orders = pl.read_parquet(self.retail.orders, columns=columns)
        return people.cast(orders, self.seed, self.rates)

    @cached_property
    def median_orders(self) -> float:
        """Return the real orders of the median day that has any."""
        days = self.orders.group_by(pl.col("at").dt.convert_time_zone(shape.ZONE).dt.date()).len()
        return float(days["len"].median() or 0)  # type: ignore[arg-type]

    @cached_property
    def multiplier(self) -> float:
        """Return how many times each real person is there."""
        return 1.0 if self.orders_a_day is None else self.orders_a_day / self.median_orders

    def orders_between(self, start: dt.datetime, end: dt.datetime) -> pl.DataFrame:
        """Return the real orders placed in [start, end), earliest first."""
        return self.orders.filter(pl.col("at").is_between(start, end, closed="left"))

    def lines(self, column: str, orders: pl.DataFrame) -> pl.DataFrame:
        """Return invoice and the given JSON column of its lines."""
        return (
            pl.scan_parquet(self.retail.orders)
            .filter(pl.col("at").is_in(orders["at"].implode()))
            .select("invoice", column)
            .collect()
        )

    def batches(self, rows: pl.DataFrame, batch_rows: int = BATCH_ROWS) -> Iterator[pl.DataFrame]:
        """Repeat real rows to the volume, a bounded number at a time.

        Rows need person and group; each batch has replica, h and house beside.
        """
        last = math.ceil(self.multiplier)
        step = max(1, batch_rows // max(rows.height, 1))
        for first in range(0, last, step) if rows.height else ():
            upto = min(first + step, last)
            yield people.replicate(rows, first, upto, self.multiplier, self.seed)

    def as_placed(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Add what is drawn per order: o (its hash), order_id, channel, logged_in.

        `number` is the invoice's; replica k's order has the real number with `-k` behind.
        """
        o = seeded(pl.col("number") * people.MAX_REPLICAS + pl.col("replica"), "order", self.seed)
        keyed = batch.with_columns(o=o, order_id=numbered(pl.col("invoice")))
        return keyed.with_columns(channel=self.channel()).with_columns(
            logged_in=self._logged_in(), second=self._second_account()
        )

    def channel(self) -> pl.Expr:
        """Return where a row's person orders: a habit, or either by the order's hash."""
        h, rates = pl.col("h"), self.rates
        habit = unit(h, "channel")
        either = pl.when(chance(pl.col("o"), "this time", 0.5)).then(pl.lit("web"))
        return (
            pl.when(habit < rates.web_only).then(pl.lit("web"))
            .when(habit < rates.web_only + rates.app_only).then(pl.lit("app"))
            .otherwise(either.otherwise(pl.lit("app")))
        )  # fmt: skip

    def _logged_in(self) -> pl.Expr:
        o, web = pl.col("o"), pl.col("channel") == "web"
        login = pl.when(web).then(chance(o, "login", self.rates.logged_in_web))
        logged_in = login.otherwise(chance(o, "login", self.rates.logged_in_app))
        return pl.col("customer").is_not_null() & logged_in

    def _second_account(self) -> pl.Expr:
        has = chance(pl.col("h"), "second account", self.rates.second_web_account)
        return has & chance(pl.col("o"), "uses second", 0.5)


def numbered(invoice: pl.Expr) -> pl.Expr:
    """Return the order number of a row's replica."""
    first = pl.col("replica") == 0
    return pl.when(first).then(invoice).otherwise(pl.format("{}-{}", invoice, "replica"))
