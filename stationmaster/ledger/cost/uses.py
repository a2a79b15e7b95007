"""What an attempt held of its node, and for how long: all that money needs of a row."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Self

from stationmaster.ledger.cost.weights import GIB, Rates, rates_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SUCCEEDED", "Held", "Use", "held"]

SUCCEEDED: Final = "succeeded"


@dataclass(frozen=True, kw_only=True)
class Use:
    """Hold the fields of an attempt that cost something, by their names in the ledger."""

    pipeline: str
    step: str
    kind: str = "pod"
    run_id: str = ""
    try_id: str = ""
    try_number: int = 1
    shard: int = 0
    attempt: int = 1
    team: str = ""
    verdict: str | None = SUCCEEDED
    node: str = ""
    instance_type: str = ""
    capacity_type: str = ""
    region: str = ""
    node_pool: str = ""
    recorded_at: dt.datetime | None = None
    scheduled_at: dt.datetime | None = None
    started_at: dt.datetime | None = None
    finished_at: dt.datetime | None = None
    asked_cpu_millicores: int | None = None
    asked_memory_bytes: int | None = None
    wall_seconds: float | None = None
    cpu_seconds: float | None = None
    peak_memory_bytes: int | None = None
    rows_written: int | None = None
    node_cpu_millicores: int | None = None
    node_memory_bytes: int | None = None
    node_price_per_hour: float | None = None
    price_currency: str = ""
    price_note: str = ""

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the ledger's columns that are needed."""
        return tuple(each.name for each in fields(cls))

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Return the use of a row of the ledger; other columns are left alone."""
        return cls(**{name: row[name] for name in cls.names() if name in row})

    @property
    def rates(self) -> Rates | None:
        """Return what the node's cores and memory cost; None where price or size is unknown."""
        if self.node_price_per_hour is None:
            return None
        cpu, memory = self.node_cpu_millicores or 0, self.node_memory_bytes or 0
        return rates_of(self.node_price_per_hour, cpu, memory) if cpu or memory else None

    @property
    def why_unpriced(self) -> str:
        """Return why it has no price, "" where it has one."""
        if self.finished_at is None:
            return "it goes on"
        if self.scheduled_at is None and self.started_at is None:
            return ""  # it never had a node, and costs nothing
        if self.kind == "process":
            return "it was a local process: there is no node to pay"
        if self.node_price_per_hour is None:
            return self.price_note or "its node was not read"
        return "" if self.rates else "the size of its node is not known"

    @property
    def day(self) -> dt.date | None:
        """Return the day that it ended on, in UTC."""
        moment = self.finished_at or self.recorded_at
        return None if moment is None else moment.astimezone(dt.UTC).date()


@dataclass(frozen=True)
class Held:
    """Say what an attempt held of its node: max(request, usage), and what of it it used."""

    start: dt.datetime
    """On the node; its start-up begins."""
    running: dt.datetime
    """Its process began; equal to `end` where it never did."""
    end: dt.datetime
    cores: float
    gib: float
    used_cores: float
    used_gib: float

    def used_share(self, rates: Rates) -> float:
        """Return how much of what it held, in money, it used while it ran: 0 to 1."""
        whole = rates.of(self.cores, self.gib)
        return 1.0 if whole <= 0 else rates.of(self.used_cores, self.used_gib) / whole


def held(use: Use) -> Held | None:
    """Return what an attempt held; None for one that goes on, or never had a node.

    Memory counts at its peak, since a limit must hold that. What was not measured counts as
    used: no slack is claimed that nobody saw. A moment before the one that must precede it
    (clocks of two machines) is taken as equal to it, so that nothing is negative.
    """
    start, end = use.scheduled_at or use.started_at, use.finished_at
    if start is None or end is None:
        return None
    end = max(end, start)
    running = end if use.started_at is None else min(max(use.started_at, start), end)
    seconds = use.wall_seconds or (end - running).total_seconds()
    asked_cores = (use.asked_cpu_millicores or 0) / 1000
    asked_gib = (use.asked_memory_bytes or 0) / GIB
    measured = use.cpu_seconds is not None and seconds > 0
    used_cores = (use.cpu_seconds or 0.0) / seconds if measured else asked_cores
    peak = use.peak_memory_bytes
    used_gib = asked_gib if peak is None else peak / GIB
    return Held(
        start=start,
        running=running,
        end=end,
        cores=max(asked_cores, used_cores),
        gib=max(asked_gib, used_gib),
        used_cores=used_cores,
        used_gib=used_gib,
    )
