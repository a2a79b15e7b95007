"""What the same day had cost otherwise: on a fixed fleet, all on-demand, all spot, other sizes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from stationmaster.ledger.cost.nodes import share_out
from stationmaster.ledger.cost.uses import SUCCEEDED, held
from stationmaster.ledger.cost.weights import GIB

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    from stationmaster.ledger.cost.nodes import NodeLife
    from stationmaster.ledger.cost.prices import InstancePrice, PriceBook
    from stationmaster.ledger.cost.uses import Use

__all__ = ["Outcome", "WhatIf", "all_at", "fixed_fleet", "other_sizes", "peak_of"]

ON_DEMAND: Final = "on-demand"


class WhatIf(StrEnum):
    """Name what could have been otherwise."""

    FIXED_FLEET = "fixed-fleet"
    ON_DEMAND = "on-demand"
    SPOT = "spot"
    SIZES = "sizes"


@dataclass(frozen=True)
class Outcome:
    """Say what the nodes had cost, and by which assumptions."""

    what: WhatIf
    bill: float
    sentence: str

    def saves(self, bill: float) -> float:
        """Return which share of today's bill it saves; negative where it costs more."""
        return (bill - self.bill) / bill if bill else 0.0


def all_at(
    lives: Iterable[NodeLife],
    prices: PriceBook,
    capacity_type: str,
    since: dt.datetime,
    until: dt.datetime,
) -> Outcome:
    """Return the same nodes at another price: spot, or on-demand.

    Interruptions of spot are not in it: what they cost in retries is in today's bill already
    where today's nodes are spot, and is not known where they are not.
    """
    lives, unknown = list(lives), 0
    repriced = []
    for life in lives:
        price = prices.price_of(life.instance_type, capacity_type).per_hour
        unknown += price is None
        per_hour = life.price_per_hour if price is None else price
        repriced.append(replace(life, price_per_hour=per_hour))
    bill = share_out(repriced, (), since, until).bill
    words = f"The same nodes ({len(lives)}), all {capacity_type}"
    if unknown:
        words += f"; {unknown} of a type without a price at today's"
    what = WhatIf.SPOT if capacity_type == "spot" else WhatIf.ON_DEMAND
    return Outcome(what, bill, f"{words}.")


def peak_of(uses: Iterable[Use]) -> tuple[float, float]:
    """Return the most cores and the most GiB that attempts asked for at one moment, each alone."""
    changes: list[tuple[dt.datetime, float, float]] = []
    for use in uses:
        if (span := held(use)) is not None:
            cores = (use.asked_cpu_millicores or 0) / 1000
            gib = (use.asked_memory_bytes or 0) / GIB
            changes += [(span.start, cores, gib), (span.end, -cores, -gib)]
    cores = gib = most_cores = most_gib = 0.0
    # What ends in a moment makes room for what begins in it.
    for _, more_cores, more_gib in sorted(changes, key=lambda each: (each[0], each[1] + each[2])):
        cores, gib = cores + more_cores, gib + more_gib
        most_cores, most_gib = max(most_cores, cores), max(most_gib, gib)
    return most_cores, most_gib


def fixed_fleet(
    uses: Sequence[Use],
    instance: InstancePrice,
    since: dt.datetime,
    until: dt.datetime,
    *,
    usable: float = 0.9,
) -> Outcome:
    """Return a fleet that runs all the time and holds the peak of what was asked for.

    Args:
        uses: Of that time.
        instance: What the fleet is made of, on-demand.
        since: From when it runs.
        until: Up to when.
        usable: What of a node steps can have; the rest is the system's and lost between pods.
    """
    cores, gib = peak_of(uses)
    by_cpu = cores / (instance.cpu_millicores / 1000 * usable)
    by_memory = gib / (instance.memory_bytes / GIB * usable)
    number = max(1, math.ceil(max(by_cpu, by_memory) - 1e-9))
    hours = (until - since).total_seconds() / 3600
    words = (
        f"{number} x {instance.instance_type} on-demand for all {hours:.1f} h: the peak asked for "
        f"{cores:.1f} cores and {gib:.1f} GiB at once, {usable:.0%} of a node is usable."
    )
    return Outcome(WhatIf.FIXED_FLEET, number * hours * instance.usd_per_hour, words)


def other_sizes(
    uses: Sequence[Use],
    lives: Sequence[NodeLife],
    since: dt.datetime,
    until: dt.datetime,
    *,
    margin: float = 1.1,
) -> Outcome:
    """Return the bill if each step that succeeded had asked for its own peak with a margin.

    The nodes' bill shrinks as what is asked for of them does; idle and system stay as they are.
    What was not measured keeps its size.
    """
    today = share_out(lives, uses, since, until)
    resized = [_resized(use, margin) for use in uses]
    then = share_out(lives, resized, since, until)
    saved = today.of_tasks - then.of_tasks
    changed = sum(a is not b for a, b in zip(uses, resized, strict=True))
    words = (
        f"{changed} of {len(uses)} attempts with memory of their own peak x {margin:g} and the CPU "
        "that they used; as if fewer nodes followed from less."
    )
    return Outcome(WhatIf.SIZES, today.bill - saved, words)


def _resized(use: Use, margin: float) -> Use:
    if use.verdict != SUCCEEDED or use.peak_memory_bytes is None:
        return use
    span = held(use)
    asked_cpu = use.asked_cpu_millicores
    if span is not None and use.cpu_seconds is not None and asked_cpu:
        asked_cpu = min(asked_cpu, math.ceil(span.used_cores * 1000))
    return replace(
        use,
        asked_memory_bytes=int(use.peak_memory_bytes * margin),
        asked_cpu_millicores=asked_cpu,
    )
