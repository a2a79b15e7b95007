"""Keep the lives of nodes: look at all of them each minute, and watch them in between.

So an end is known to the second, and a node that comes and goes between two looks is not missed.
Where nodes may be listed and not watched, an end lies between two looks.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from stationmaster.airflow.life.apierrors import ClusterError
from stationmaster.airflow.life.cluster import MOST_NODES
from stationmaster.airflow.life.nodelives import launches_of, nodes_seen

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from stationmaster.airflow.life.cluster import Cluster
    from stationmaster.ledger.cost.prices import PriceBook
    from stationmaster.ledger.nodelives import NodeSeen

__all__ = ["NodeWatch"]

LOOK_SECONDS: Final = 60
WITHOUT_CLAIMS_SECONDS: Final = 600.0
"""Where there is no Karpenter, or no right to read its NodeClaims: ask again after so long."""

log = logging.getLogger(__name__)


class NodeWatch:
    """Follow all nodes of a cluster.

    Args:
        cluster: Where nodes are read.
        prices: What they cost.
        write: Keeps what was seen of them.
    """

    def __init__(
        self,
        cluster: Cluster,
        prices: PriceBook,
        write: Callable[[list[NodeSeen]], Awaitable[None]],
    ) -> None:
        self._cluster = cluster
        self._prices = prices
        self._write = write
        self._there: dict[str, NodeSeen] = {}
        self._sure_until: dt.datetime | None = None
        """Up to when whatever went was told by the watch."""
        self._ask_for_claims_at = 0.0

    async def look(self) -> str:
        """Write down which nodes are there and which went, and return the list's version.

        Raises:
            ClusterError: Nodes may not be listed, or the API server does not answer.
        """
        nodes, version = await self._cluster.list_nodes()
        seen = await self._seen(nodes)
        now, there = dt.datetime.now(dt.UTC), {each.uid: each for each in seen}
        gone = [
            replace(last, seen_at=now, gone_at=self._middle(last.seen_at, now))
            for uid, last in self._there.items()
            # A list that is cut says nothing of those that are not on it.
            if uid not in there and len(nodes) < MOST_NODES
        ]
        await self._write([*seen, *gone])
        self._there = there
        return version

    async def follow_for_ever(self) -> None:
        """Look each minute and watch in between; whatever fails is tried again."""
        while True:
            started = time.monotonic()
            try:
                version = await self.look()
                async for event in self._cluster.watch_nodes(version, seconds=LOOK_SECONDS):
                    await self._heed(event)
                self._sure_until = dt.datetime.now(dt.UTC)
            except ClusterError as error:
                log.debug("The lives of nodes are not watched: %s", error)
            except Exception:
                log.exception("The lives of nodes were not written; the next look does it")
            await asyncio.sleep(max(1.0, LOOK_SECONDS + started - time.monotonic()))

    async def _heed(self, event: Mapping[str, Any]) -> None:
        """Write down at once that a node came or went."""
        node, kind = event["object"], event["type"]
        uid = str(node["metadata"].get("uid") or "")
        if kind == "ADDED":
            seen = await self._seen([node])
            self._there |= {each.uid: each for each in seen}
            await self._write(seen)
        elif kind == "DELETED" and uid in self._there:
            now = dt.datetime.now(dt.UTC)
            await self._write([replace(self._there[uid], seen_at=now, gone_at=now)])
            del self._there[uid]

    def _middle(self, seen: dt.datetime, now: dt.datetime) -> dt.datetime:
        """Return when a node went of which the watch did not tell."""
        last = max(seen, self._sure_until or seen)
        return last + (now - last) / 2

    async def _seen(self, nodes: list[dict[str, Any]]) -> list[NodeSeen]:
        launches = await self._launches() if nodes else {}
        return nodes_seen(nodes, self._prices, dt.datetime.now(dt.UTC), launches)

    async def _launches(self) -> dict[str, dt.datetime]:
        if time.monotonic() < self._ask_for_claims_at:
            return {}
        try:
            return launches_of(await self._cluster.list_node_claims())
        except ClusterError as error:
            log.debug("NodeClaims are not read: %s", error)
            self._ask_for_claims_at = time.monotonic() + WITHOUT_CLAIMS_SECONDS
            return {}
