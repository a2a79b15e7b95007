"""Share out the bill of nodes among the attempts on them, the system, and nobody: idle.

Each moment of a node's life is paid by whoever holds it then. So tasks, idle and system together
are the bill, whatever was requested, used or measured.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from stationmaster.ledger.cost.splitting import SECONDS_AN_HOUR, Split, split_of
from stationmaster.ledger.cost.uses import Held, Use, held
from stationmaster.ledger.cost.weights import CPU_WEIGHT, GIB, MEMORY_WEIGHT, Rates, rates_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["Allocation", "NodeLife", "lives_of", "share_out"]


@dataclass(frozen=True, kw_only=True)
class NodeLife:
    """Hold what a node was, from when to when, and what it cost.

    `system_…`: what the machine itself and its DaemonSets keep: capacity less what steps can ask
    for. `end` is None while it is there.
    """

    name: str
    start: dt.datetime
    end: dt.datetime | None
    price_per_hour: float
    cpu_millicores: int
    memory_bytes: int
    system_cpu_millicores: int = 0
    system_memory_bytes: int = 0
    instance_type: str = ""
    capacity_type: str = ""
    node_pool: str = ""

    @property
    def rates(self) -> Rates:
        """Return what its cores and its memory cost."""
        return rates_of(self.price_per_hour, self.cpu_millicores, self.memory_bytes)


@dataclass
class Allocation:
    """Say who pays what of the nodes' bill, all in one currency."""

    bill: float = 0.0
    idle: float = 0.0
    system: float = 0.0
    tasks: list[tuple[Use, Split]] = field(default_factory=list)
    idle_seconds: float = 0.0
    """Of nodes on which no attempt was at all."""
    homeless: list[Use] = field(default_factory=list)
    """Attempts on nodes that are not in the bill."""

    @property
    def of_tasks(self) -> float:
        """Return what the attempts pay together."""
        return sum(split.total for _, split in self.tasks)


def share_out(
    lives: Iterable[NodeLife], uses: Iterable[Use], since: dt.datetime, until: dt.datetime
) -> Allocation:
    """Share out what nodes cost from `since` to `until`.

    Where the attempts on a node together hold more than it has, by usage above their requests,
    each pays its share of the whole. What an attempt held outside its node's life (clocks of two
    machines) or outside the time that is asked for costs nothing here.
    """
    by_node: dict[str, list[tuple[Use, Held]]] = defaultdict(list)
    for use in uses:
        if (span := held(use)) is not None:
            by_node[use.node].append((use, span))
    found = Allocation()
    billed: set[str] = set()
    for life in lives:
        billed.add(life.name)
        start, end = max(life.start, since), min(life.end or until, until)
        if start < end:
            _share_out_node(life, by_node[life.name], (start, end), found)
    found.homeless = [
        use for name, pods in by_node.items() if name not in billed for use, _ in pods
    ]
    return found


def lives_of(uses: Iterable[Use]) -> list[NodeLife]:
    """Return the nodes as far as attempts show them: from the first on it to the last's end.

    For ledgers that have no lives of nodes: what a node idled before and after is not in it.
    """
    by_node: dict[str, list[tuple[Use, Held]]] = defaultdict(list)
    for use in uses:
        if use.node and use.rates is not None and (span := held(use)) is not None:
            by_node[use.node].append((use, span))
    return [_shown(name, pods) for name, pods in sorted(by_node.items())]


def _shown(name: str, pods: Sequence[tuple[Use, Held]]) -> NodeLife:
    use = pods[0][0]
    return NodeLife(
        name=name,
        start=min(span.start for _, span in pods),
        end=max(span.end for _, span in pods),
        price_per_hour=use.node_price_per_hour or 0.0,
        cpu_millicores=use.node_cpu_millicores or 0,
        memory_bytes=use.node_memory_bytes or 0,
        instance_type=use.instance_type,
        capacity_type=use.capacity_type,
        node_pool=use.node_pool,
    )


def _share_out_node(
    life: NodeLife,
    pods: Sequence[tuple[Use, Held]],
    span: tuple[dt.datetime, dt.datetime],
    found: Allocation,
) -> None:
    start, end = span
    per_second = life.price_per_hour / SECONDS_AN_HOUR
    found.bill += (end - start).total_seconds() * per_second
    whole = _weight(life.cpu_millicores / 1000, life.memory_bytes / GIB)
    system = _weight(life.system_cpu_millicores / 1000, life.system_memory_bytes / GIB) / whole
    shares = [_weight(pod.cores, pod.gib) / whole for _, pod in pods]
    starting, running = [0.0] * len(pods), [0.0] * len(pods)
    for moment, following, here in _segments([pod for _, pod in pods], start, end):
        money = (following - moment).total_seconds() * per_second
        taken = system + sum(shares[n] for n in here)
        scale = money / max(taken, 1.0)
        found.system += system * scale
        found.idle += max(0.0, 1.0 - taken) * money
        if not here:
            found.idle_seconds += (following - moment).total_seconds()
        for n in here:
            part = starting if moment < pods[n][1].running else running
            part[n] += shares[n] * scale
    for n, (use, pod) in enumerate(pods):
        split = split_of(use, pod, life.rates, starting=starting[n], running=running[n])
        found.tasks.append((use, split))


def _segments(
    pods: Sequence[Held], start: dt.datetime, end: dt.datetime
) -> Iterator[tuple[dt.datetime, dt.datetime, frozenset[int]]]:
    """Yield the times in which nothing changes on a node, each with the numbers of its pods."""
    events: dict[dt.datetime, list[tuple[int, bool]]] = defaultdict(list)
    for n, pod in enumerate(pods):
        first, last = max(pod.start, start), min(pod.end, end)
        if first < last:
            events[first].append((n, True))
            events[last].append((n, False))
            if first < pod.running < last:
                events[pod.running] += ()
    here: set[int] = set()
    for moment, following in pairwise(sorted({start, end, *events})):
        for n, comes in events[moment]:
            (here.add if comes else here.discard)(n)
        yield moment, following, frozenset(here)


def _weight(cores: float, gib: float) -> float:
    return CPU_WEIGHT * cores + MEMORY_WEIGHT * gib
