"""What people expect of the morning: which products by when, which numbers agree with which."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from stationmaster.monitor.monitoring import Agreement, Monitoring, PipelineExpectation

__all__ = ["Expectations", "Product", "title_of"]

WEEKS: Final = 2
"""How far back a day is looked for that is expected at all."""


@dataclass(frozen=True)
class Product:
    """Hold something that people wait for in the morning.

    Args:
        name: As its readers call it.
        pipeline: Makes it.
        expected: When a day of it should be there; None: nobody said.
        readers: Who reads it.
    """

    name: str
    pipeline: str
    expected: PipelineExpectation | None = None
    readers: str = ""

    def due_at(self, day: dt.date, zone: ZoneInfo) -> dt.datetime | None:
        """Return when a day of it should be there; None: nobody said."""
        return None if self.expected is None else self.expected.due_at(day, zone)

    def newest_day(self, today: dt.date, zone: ZoneInfo) -> dt.date:
        """Return the newest day whose numbers should come today or should have come before.

        Args:
            today: On the business clock.
            zone: Of the business clock.
        """
        yesterday = today - dt.timedelta(days=1)
        for back in range(WEEKS * 7):
            day = yesterday - dt.timedelta(days=back)
            due = self.due_at(day, zone)
            if due is not None and due.astimezone(zone).date() <= today:
                return day
        return yesterday


@dataclass(frozen=True)
class Expectations:
    """Hold what is expected of everything.

    Args:
        products: In the order in which they are due.
        agreements: Which figures should agree.
        figures: The numbers to show, by name.
        always_on: Something should run by itself: a cluster, not a laptop that may have been off.
    """

    products: tuple[Product, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    figures: tuple[str, ...] = ()
    always_on: bool = False

    @classmethod
    def of(cls, monitoring: Monitoring) -> Expectations:
        """Return what the file of expectations says of what readers wait for."""
        waited = [
            Product(
                each.product or title_of(name).lower(),
                name,
                each,
                ", ".join(each.readers),
            )
            for name, each in monitoring.pipelines.items()
            if each.product or each.due is not None
        ]
        return cls(
            products=tuple(sorted(waited, key=_order)),
            agreements=monitoring.agreements,
            figures=tuple(each.figure for each in monitoring.totals),
            always_on=monitoring.always_on,
        )

    def only(self, pipeline: str) -> Expectations:
        """Return what is expected of one pipeline."""
        mine = tuple(each for each in self.products if each.pipeline == pipeline)
        return replace(self, products=mine)


def title_of(name: str) -> str:
    """Return a name of ours as people write it: web_orders/count -> Web orders: count."""
    words = name.replace("_", " ").replace("-", " ").replace("/", ": ")
    return words[:1].upper() + words[1:]


def _order(product: Product) -> tuple[bool, dt.time, str]:
    due = None if product.expected is None else product.expected.due
    return due is None, due or dt.time(), product.name
