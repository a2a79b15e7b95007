"""A fake cluster with a client, a watch and a ledger in memory, for tests of a step's life."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stationmaster.airflow.life.cluster import Cluster
from stationmaster.airflow.life.endpoint import plain
from stationmaster.airflow.life.platform import Platform
from stationmaster.airflow.life.podwatch import PodWatch
from stationmaster.airflow.life.testing import FakeCluster, PodScript

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from stationmaster.ledger.records import AttemptRecord


@dataclass
class World:
    """Hold what a test looks at."""

    fake: FakeCluster
    cluster: Cluster
    watch: PodWatch
    records: list[AttemptRecord] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)
    """Of what attempts wait for."""

    async def record(self, record: AttemptRecord) -> None:
        """Keep a record."""
        self.records.append(record)

    @property
    def platform(self) -> Platform:
        """Return the platform of a step of this world."""
        return Platform(
            self.cluster,
            self.watch,
            self.record,
            self.said.append,
            waits=lambda _context, _pod, sentence: self.noted.append(sentence),
        )

    async def until(self, holds: Callable[[], object], seconds: float = 20.0) -> None:
        """Wait until something holds."""
        async with asyncio.timeout(seconds):
            while not holds():  # noqa: ASYNC110 (of state that no event tells of)
                await asyncio.sleep(0.01)


@asynccontextmanager
async def a_world(
    script: Callable[[dict[str, Any]], PodScript] | None = None,
    *,
    page_size: int = 250,
    patience_seconds: float = 5.0,
) -> AsyncIterator[World]:
    """Open a world whose pods go through the given script."""
    async with (
        FakeCluster(script) as fake,
        Cluster(plain(fake.url), patience_seconds=patience_seconds) as cluster,
        PodWatch(cluster, page_size=page_size) as watch,
    ):
        yield World(fake, cluster, watch)


def by_attempt(*scripts: PodScript) -> Callable[[dict[str, Any]], PodScript]:
    """Return a script for each attempt; the last one stays."""
    return by_label("attempt", scripts)


def by_shard(*scripts: PodScript) -> Callable[[dict[str, Any]], PodScript]:
    """Return a script for each shard, from 0; the last one stays."""
    return by_label("shard", scripts, first=0)


def by_label(
    label: str, scripts: Sequence[PodScript], *, first: int = 1
) -> Callable[[dict[str, Any]], PodScript]:
    """Return a script for each value of a label."""

    def choose(pod: dict[str, Any]) -> PodScript:
        number = int(pod["metadata"]["labels"][f"stationmaster.io/{label}"]) - first
        return scripts[min(number, len(scripts) - 1)]

    return choose
