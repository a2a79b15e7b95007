"""Read the nodes that attempts run on, once each, and write type and price into their records.

Reading nodes is a right of the whole cluster, and optional (`steps.readNodes` of the chart).
Without it, and for a node that is gone before it was read, the record says so instead.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, Self

from stationmaster.airflow.life.apierrors import ClusterError
from stationmaster.airflow.life.nodefacts import NodeFacts, node_facts_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from types import TracebackType

    from stationmaster.airflow.life.cluster import Cluster
    from stationmaster.ledger.cost.prices import PriceBook
    from stationmaster.ledger.records import AttemptRecord
    from stationmaster.step.protocol import StepContext

    Record = Callable[[AttemptRecord], Awaitable[None]]

__all__ = ["NodeBook"]

MOST_NODES: Final = 5000
"""The largest cluster that Kubernetes supports (kubernetes.io/docs/setup/best-practices)."""

FRESH_SECONDS: Final = 3600.0
"""A name may come back with another machine under it, hours later at the earliest."""

FORBIDDEN: Final = 403
FORBIDDEN_SECONDS: Final = 300.0
READ_SECONDS: Final = 3.0
"""How long a record waits for its node: the step's end waits for the record."""

MAY_NOT_READ: Final = "nodes may not be read: the chart's steps.readNodes allows it"


class NodeBook:
    """Remember the nodes that this process has seen pods on; an async context manager.

    Args:
        cluster: Where nodes are read.
        prices: What they cost.
    """

    def __init__(self, cluster: Cluster, prices: PriceBook) -> None:
        self._cluster = cluster
        self._prices = prices
        self._known: OrderedDict[str, tuple[float, NodeFacts]] = OrderedDict()
        self._reads: dict[str, asyncio.Task[str]] = {}
        self._forbidden_until = 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the reads that are under way."""
        reads = list(self._reads.values())
        for read in reads:
            read.cancel()
        await asyncio.gather(*reads, return_exceptions=True)

    def notice_of(self, context: StepContext, pod: Mapping[str, Any]) -> None:
        """Do as `notice`, in the shape of `Platform.seen`."""
        del context
        self.notice(pod)

    def notice(self, pod: Mapping[str, Any]) -> None:
        """Begin to read a pod's node, while it is there; returns at once."""
        name = str((pod.get("spec") or {}).get("nodeName") or "")
        if name and not self._is_fresh(name):
            self._read(name)

    def recording(self, record: Record) -> Record:
        """Return a recorder that adds what is known of the node and its price."""

        async def with_node(attempt: AttemptRecord) -> None:
            await record(await self._completed(attempt))

        return with_node

    async def _completed(self, record: AttemptRecord) -> AttemptRecord:
        if not record.node or record.instance_type or record.kind.value != "pod":
            return record
        trouble = "" if self._is_fresh(record.node) else await self._wait_for(record.node)
        known = self._known.get(record.node)
        if known is None:
            return record.model_copy(update={"price_note": _gone(record.node, trouble)})
        facts = known[1]
        price = self._prices.price_of(facts.instance_type, facts.capacity_type, facts.region)
        update = {name: value for name, value in facts if value not in {None, ""}}
        return record.model_copy(
            update={
                **update,
                "node_price_per_hour": price.per_hour,
                "price_currency": price.currency,
                "price_note": price.note,
            }
        )

    def _is_fresh(self, name: str) -> bool:
        known = self._known.get(name)
        return known is not None and time.monotonic() - known[0] < FRESH_SECONDS

    async def _wait_for(self, name: str) -> str:
        """Return why a node could not be read in time, "" when it could."""
        try:
            async with asyncio.timeout(READ_SECONDS):
                return await asyncio.shield(self._read(name))
        except TimeoutError:
            return f"the API server did not tell it within {READ_SECONDS:.0f} s"

    def _read(self, name: str) -> asyncio.Task[str]:
        if name not in self._reads:
            task = asyncio.create_task(self._look(name), name=f"node {name}")
            self._reads[name] = task
            task.add_done_callback(lambda _: self._reads.pop(name, None))
        return self._reads[name]

    async def _look(self, name: str) -> str:
        if time.monotonic() < self._forbidden_until:
            return MAY_NOT_READ
        try:
            node = await self._cluster.get_node(name)
        except ClusterError as error:
            if error.code != FORBIDDEN:
                return str(error)
            self._forbidden_until = time.monotonic() + FORBIDDEN_SECONDS
            return MAY_NOT_READ
        if node is None:
            return "it was gone before it was read"
        self._known[name] = (time.monotonic(), node_facts_of(node))
        self._known.move_to_end(name)
        if len(self._known) > MOST_NODES:
            self._known.popitem(last=False)
        return ""


def _gone(name: str, trouble: str) -> str:
    return f"The price is unknown: of node {name}, {trouble or 'nothing was read'}."
