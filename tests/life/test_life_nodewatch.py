"""The lives of nodes, watched: when each was launched, came and went."""

from __future__ import annotations

import asyncio
import datetime as dt
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stationmaster.airflow.life.cluster import Cluster
from stationmaster.airflow.life.endpoint import plain
from stationmaster.airflow.life.nodewatch import NodeWatch
from stationmaster.airflow.life.testing import FakeCluster
from stationmaster.ledger.cost.prices import PriceBook
from stationmaster.ledger.cost.settings import CostSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from stationmaster.ledger.nodelives import NodeSeen

REGISTERED = dt.datetime(2011, 11, 22, 11, 0, 22, tzinfo=dt.UTC)
LAUNCHED = dt.datetime(2011, 11, 22, 11, 0, tzinfo=dt.UTC)
CLAIM = {
    "metadata": {"name": "steps-1", "creationTimestamp": "2011-11-22T10:59:59Z"},
    "status": {
        "providerID": "aws:///a",
        "conditions": [
            {"type": "Launched", "status": "True", "lastTransitionTime": "2011-11-22T11:00:00Z"}
        ],
    },
}


def node(name: str) -> dict[str, Any]:
    """Return a node as the API tells it."""
    return {
        "metadata": {
            "name": name,
            "uid": f"uid-{name}",
            "creationTimestamp": "2011-11-22T11:00:22Z",
            "labels": {"node.kubernetes.io/instance-type": "m5.large"},
        },
        "spec": {"providerID": f"aws:///{name}"},
        "status": {"capacity": {"cpu": "2", "memory": "8Gi"}},
    }


@dataclass
class World:
    """Hold a cluster, what watches it, and what was written of its nodes."""

    fake: FakeCluster
    cluster: Cluster
    watch: NodeWatch
    written: dict[str, NodeSeen] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def write(self, nodes: list[NodeSeen]) -> None:
        """Keep the newest word of each node."""
        self.written |= {each.name: each for each in nodes}
        self.news.set()

    async def next_word(self) -> dict[str, NodeSeen]:
        """Return what is known after the next write."""
        self.news.clear()
        async with asyncio.timeout(20):
            await self.news.wait()
        return self.written


@asynccontextmanager
async def world(*names: str) -> AsyncIterator[World]:
    """Run a cluster of nodes, with a watch that nobody has started."""
    prices = PriceBook.from_settings(CostSettings())
    async with FakeCluster() as fake, Cluster(plain(fake.url)) as cluster:
        fake.nodes.extend(node(name) for name in names)
        written: list[World] = []

        async def write(nodes: list[NodeSeen]) -> None:
            await written[0].write(nodes)

        written.append(World(fake, cluster, NodeWatch(cluster, prices, write)))
        yield written[0]


def test_a_watched_node_ends_when_it_goes() -> None:
    """A node that is deleted is gone at that moment, and one that comes is written at once."""

    async def main() -> tuple[dict[str, NodeSeen], dict[str, NodeSeen], dt.datetime]:
        async with world("a") as here:
            following = asyncio.create_task(here.watch.follow_for_ever())
            await here.fake.machines.watched.wait()
            here.fake.nodes.append(node("b"))
            came = dict(await here.next_word())
            before = dt.datetime.now(dt.UTC)
            del here.fake.nodes[0]
            went = dict(await here.next_word())
            following.cancel()
            return came, went, before

    came, went, before = asyncio.run(main())

    assert [came[name].gone_at for name in ("a", "b")] == [None, None]
    assert went["b"].gone_at is None
    assert went["a"].gone_at is not None
    assert went["a"].gone_at >= before


def test_without_a_watch_an_end_lies_between_two_looks() -> None:
    """Of a node that the next look misses, the end is the middle between the two."""

    async def main() -> tuple[NodeSeen, NodeSeen]:
        async with world("a", "b") as here:
            await here.watch.look()
            first = here.written["a"]
            del here.fake.nodes[0]
            await here.watch.look()
            return first, here.written["a"]

    first, last = asyncio.run(main())

    assert first.gone_at is None
    assert last.gone_at is not None
    assert last.gone_at - first.seen_at == (last.seen_at - first.seen_at) / 2


def test_a_machine_is_paid_from_its_launch() -> None:
    """Karpenter's NodeClaim says when; a node without one counts from its registration."""

    async def main() -> dict[str, NodeSeen]:
        async with world("a", "b") as here:
            here.fake.machines.claims.append(CLAIM)
            await here.watch.look()
            return here.written

    written = asyncio.run(main())

    assert written["a"].created_at == LAUNCHED
    assert written["b"].created_at == REGISTERED


def test_without_karpenter_nodes_are_kept_all_the_same() -> None:
    """A cluster that knows no NodeClaims is asked once, and its nodes are written."""

    async def main() -> int:
        async with world("a") as here:
            await here.watch.look()
            await here.watch.look()
            assert here.written["a"].created_at == REGISTERED
            return here.cluster.requests["nodeclaims"]

    assert asyncio.run(main()) == 1
