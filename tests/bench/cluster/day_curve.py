"""A day of orders, and the work of each of its hours: plain functions.

10,000 orders an hour at night, 500,000 at noon. Shards are counted by the product's own rule.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from stationmaster.ledger.fanout import ORDERS_A_SHARD, Volume, shards_for

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FULL_HOUR", "HOURS", "Work", "conf_of", "orders_at", "work_of"]

HOURS: Final = 24
FULL_HOUR: Final = 100.0
"""Seconds that an hour of the day is pressed into: 24 hours are 40 minutes."""

NIGHT_ORDERS: Final = 10_000
NOON_ORDERS: Final = 500_000
MORNING: Final = 3.0
EVENING: Final = 21.0

WEB: Final = 0.6
"""Of all orders; the rest comes from the app. So 500,000 are 30 and 20 shards, 10,000 1 and 1."""

SECONDS_A_SHARD: Final = 20.0
"""Of a shard of 10,000 orders, in a full hour: two steps of it, their nodes' boot and the report
fit into the hour."""
REPORT_SECONDS: Final = 3.0
SPREAD: Final = 1.25
"""How much longer the slowest shard of a step takes than the fastest."""


@dataclass(frozen=True)
class Work:
    """Say in how many shards a step is split, and how long the fastest and slowest works."""

    shards: int
    seconds: float

    @property
    def at_most(self) -> float:
        """Return the seconds of the slowest shard."""
        return round(self.seconds * SPREAD, 1)


def orders_at(hour: float) -> int:
    """Return the orders an hour at an hour of the day: a bell from 3 to 21 o'clock.

    Raises:
        ValueError: The day has no such hour.
    """
    if not 0 <= hour <= HOURS:
        message = f"expected an hour from 0 to {HOURS}, got {hour}"
        raise ValueError(message)
    if not MORNING < hour < EVENING:
        return NIGHT_ORDERS
    height = math.sin(math.pi * (hour - MORNING) / (EVENING - MORNING)) ** 2
    return round(NIGHT_ORDERS + (NOON_ORDERS - NIGHT_ORDERS) * height)


def work_of(orders: int, hour_seconds: float = FULL_HOUR) -> dict[str, Work]:
    """Return the work of one hour's run, by step.

    Args:
        orders: Of that hour.
        hour_seconds: What an hour is pressed into; the work is pressed as much.
    """
    web = round(orders * WEB)
    pressed = hour_seconds / FULL_HOUR
    parts = {"extract_web": web, "extract_app": orders - web, "merge_customers": orders}
    found = {name: _split(units, pressed) for name, units in parts.items()}
    return {**found, "report_morning": Work(1, round(REPORT_SECONDS * pressed, 1))}


def conf_of(work: Mapping[str, Work]) -> dict[str, dict[str, float]]:
    """Return the work as the DAG reads it."""
    return {
        name: {"shards": each.shards, "seconds": each.seconds, "at_most": each.at_most}
        for name, each in work.items()
    }


def _split(orders: int, pressed: float) -> Work:
    shards = shards_for(Volume(orders, 0)).shards
    whole = SECONDS_A_SHARD * orders / shards / ORDERS_A_SHARD
    return Work(shards, round(whole * pressed, 1))
