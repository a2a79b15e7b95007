"""Simulated days: nodes that come and go, steps on them, and what that really cost.

The bill and who caused it are added up second by second, without any of the code under test.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from stationmaster.ledger.cost.nodes import NodeLife
from stationmaster.ledger.cost.uses import Use
from stationmaster.ledger.cost.weights import CPU_WEIGHT, GIB, MEMORY_WEIGHT

__all__ = ["MIDNIGHT", "Day", "days", "life", "use"]

MIDNIGHT = dt.datetime(2026, 8, 3, tzinfo=dt.UTC)
PRICES = {"m5.large": (2000, 8 * GIB, 0.096), "c5.2xlarge": (8000, 16 * GIB, 0.34)}


def at(seconds: float) -> dt.datetime:
    """Return a moment of the simulated day."""
    return MIDNIGHT + dt.timedelta(seconds=seconds)


def life(name: str, start: float, end: float, kind: str = "m5.large") -> NodeLife:
    """Return a node, from and to in seconds of the day."""
    cpu, memory, price = PRICES[kind]
    return NodeLife(
        name=name,
        start=at(start),
        end=at(end),
        price_per_hour=price,
        cpu_millicores=cpu,
        memory_bytes=memory,
        system_cpu_millicores=70,
        system_memory_bytes=GIB // 2,
        instance_type=kind,
    )


def use(node: NodeLife, times: tuple[float, float, float], **known: object) -> Use:
    """Return an attempt on a node: scheduled, started and finished in seconds of the day."""
    scheduled, started, finished = (at(each) for each in times)
    told = Use(
        pipeline="morning",
        step="extract",
        node=node.name,
        scheduled_at=scheduled,
        started_at=started,
        finished_at=finished,
        wall_seconds=max(0.0, times[2] - times[1]),
        node_price_per_hour=node.price_per_hour,
        node_cpu_millicores=node.cpu_millicores,
        node_memory_bytes=node.memory_bytes,
        price_currency="USD",
    )
    return replace(told, **known)  # type: ignore[arg-type]  # any field, as the test wants it


@dataclass(frozen=True)
class Day:
    """Hold a simulated day and what each part of its bill truly was."""

    lives: list[NodeLife]
    uses: list[Use]
    bill: float
    idle: float
    system: float
    tasks: float


@st.composite
def days(draw: st.DrawFn, seconds: int = 600) -> Day:
    """Draw a day: nodes, and attempts that fit onto them by what they asked for."""
    lives, uses = [], []
    totals = [0.0, 0.0, 0.0, 0.0]
    for n in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, seconds // 2))
        end = draw(st.integers(start + 60, seconds))
        node = life(f"node-{n}", start, end, draw(st.sampled_from(sorted(PRICES))))
        mine = _attempts(draw, node, start, end)
        lives.append(node)
        uses += mine
        for second in range(start, end):
            for place, part in enumerate(_second(node, mine, second)):
                totals[place] += part
    bill, idle, system, tasks = totals
    return Day(lives, uses, bill, idle, system, tasks)


def _attempts(draw: st.DrawFn, node: NodeLife, start: int, end: int) -> list[Use]:
    mine: list[Use] = []
    for n in range(draw(st.integers(0, 5))):
        first = draw(st.integers(start, end - 10))
        last = draw(st.integers(first + 1, end))
        asked_memory = draw(st.sampled_from([GIB // 4, GIB, 3 * GIB]))
        asked_cpu = draw(st.sampled_from([100, 500, 1500]))
        mine.append(
            use(
                node,
                (first, draw(st.integers(first, last)), last),
                step=f"step-{n % 2}",
                try_id=f"{node.name}-{n}",
                verdict=draw(st.sampled_from(["succeeded", "succeeded", "evicted"])),
                asked_cpu_millicores=asked_cpu,
                asked_memory_bytes=asked_memory,
                cpu_seconds=draw(st.floats(0, 4)) * (last - first),
                wall_seconds=float(last - first),
                peak_memory_bytes=int(asked_memory * draw(st.floats(0.1, 1.0))),
            )
        )
    return mine


def _second(node: NodeLife, uses: list[Use], second: int) -> tuple[float, float, float, float]:
    """Return what one second of a node costs, and who holds it: idle, system, tasks."""
    money = node.price_per_hour / 3600
    whole = CPU_WEIGHT * node.cpu_millicores / 1000 + MEMORY_WEIGHT * node.memory_bytes / GIB
    system = CPU_WEIGHT * 0.07 + MEMORY_WEIGHT * 0.5
    tasks = 0.0
    for each in uses:
        assert each.scheduled_at is not None
        assert each.finished_at is not None
        if each.scheduled_at <= at(second) < each.finished_at:
            asked, cpu = (each.asked_cpu_millicores or 0) / 1000, each.cpu_seconds or 0.0
            memory = max(each.asked_memory_bytes or 0, each.peak_memory_bytes or 0) / GIB
            cores = max(asked, cpu / (each.wall_seconds or 1.0))
            tasks += CPU_WEIGHT * cores + MEMORY_WEIGHT * memory
    taken = max(whole, system + tasks)
    idle = max(0.0, whole - system - tasks)
    return money, money * idle / taken, money * system / taken, money * tasks / taken
