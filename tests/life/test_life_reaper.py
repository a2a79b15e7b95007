"""What the reaper clears away, and what it leaves alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from stationmaster.airflow.life.attempts import live, release
from stationmaster.airflow.life.plan import pod_of
from stationmaster.airflow.life.reaper import Reaped, Reaper
from stationmaster.airflow.life.stopping import StopSignal
from stationmaster.airflow.life.testing import runs, succeeds
from tests.life.plans import plan_of
from tests.life.worlds import World, a_world

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Alive = Callable[[frozenset[str]], Awaitable[frozenset[str]]]


async def nobody(asked: frozenset[str]) -> frozenset[str]:
    """Know no owner."""
    del asked
    return frozenset()


async def everybody(asked: frozenset[str]) -> frozenset[str]:
    """Own them all."""
    return asked


async def round_of(world: World, alive: Alive, *, ownerless: float = 0.0) -> Reaped:
    """Return what one round of a reaper did that finds no finished pod too young."""
    reaper = Reaper(
        world.cluster,
        world.watch,
        alive,
        record=world.record,
        finished_seconds=0.0,
        ownerless_seconds=ownerless,
    )
    return await reaper.round("life")


def test_what_is_owned_is_left_alone() -> None:
    """Running or finished: a pod whose try is alive is not touched."""

    async def main() -> None:
        async with a_world(lambda _: runs()) as world:
            await world.cluster.create_pod(pod_of(plan_of(), 0, 1))
            assert await round_of(world, everybody) == Reaped()
            assert len(world.fake.objects.pods) == 1

    asyncio.run(main())


def test_an_ownerless_pod_is_deleted_and_then_freed() -> None:
    """A pod that nobody owns is stopped, and its evidence let go when it has ended."""

    async def main() -> None:
        async with a_world(lambda _: runs()) as world:
            made = await world.cluster.create_pod(pod_of(plan_of(), 0, 1))
            name = made["metadata"]["name"]
            await world.until(lambda: world.fake.pod(name)["status"]["phase"] == "Running")
            assert (await round_of(world, nobody)).ownerless == (name,)
            seen = world.watch.store.entry(("life", name))
            await world.until(lambda: seen.pod and seen.pod["status"]["phase"] == "Failed")
            assert (await round_of(world, nobody)).freed == (name,)
            assert [record.verdict for record in world.records] == ["pod_deleted"]
            assert world.fake.objects.pods == {}

    asyncio.run(main())


def test_an_owner_may_be_late() -> None:
    """Between two launchers nobody owns any pod: the first look alone deletes nothing."""

    async def main() -> None:
        async with a_world(lambda _: runs()) as world:
            await world.cluster.create_pod(pod_of(plan_of(), 0, 1))
            assert await round_of(world, nobody, ownerless=60.0) == Reaped()

    asyncio.run(main())


def test_kept_pods_go_after_their_time() -> None:
    """A finished pod that was kept for people goes when its time is over."""

    async def main() -> None:
        async with a_world(lambda _: succeeds()) as world:
            plan = plan_of(keep_pods=True)
            end = await live(plan, world.platform, StopSignal())
            await release(plan, end, world.platform)
            seen = world.watch.store.entry(("life", end.pods[0].name))
            await world.until(lambda: seen.pod and not seen.pod["metadata"]["finalizers"])
            assert (await round_of(world, nobody)).finished == (end.pods[0].name,)
            assert world.fake.objects.pods == {}

    asyncio.run(main())
