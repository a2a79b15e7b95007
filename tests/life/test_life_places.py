"""So many pods of a step at once: over attempts, stops, and a launcher's restart."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from stationmaster.airflow.life.attempts import live
from stationmaster.airflow.life.findings import Verdict
from stationmaster.airflow.life.places import Places
from stationmaster.airflow.life.plan import pod_of
from stationmaster.airflow.life.podfacts import ended
from stationmaster.airflow.life.stopping import StopSignal
from stationmaster.airflow.life.testing import fails, runs, succeeds
from tests.life.plans import plan_of
from tests.life.worlds import World, a_world, by_attempt

if TYPE_CHECKING:
    from stationmaster.airflow.life.plan import StepPlan

QUICK = {"pause_seconds": 0.0}


def at_once(world: World) -> int:
    """Return how many pods there are that have not ended."""
    return sum(ended(pod) is None for pod in world.fake.objects.pods.values())


async def watched(world: World, plan: StepPlan) -> int:
    """Live a plan to its success; return how many pods it had at once, at most."""
    life, most = asyncio.create_task(live(plan, world.platform, StopSignal())), 0
    while not life.done():
        most = max(most, at_once(world))
        await asyncio.sleep(0.002)
    assert life.result().verdict is Verdict.SUCCEEDED
    return most


def test_no_more_shards_than_places_have_a_pod() -> None:
    """Of seven shards three run at a time, all are done, and the log says how many."""

    async def main() -> None:
        async with a_world(lambda _: succeeds(0.05)) as world:
            assert await watched(world, plan_of(shards=7, shards_at_once=3)) == 3
            assert len(world.fake.created) == 7
            assert "has 7 shards, of which 3 run at once" in world.said[0]

    asyncio.run(main())


def test_further_attempts_take_places_too() -> None:
    """Shards whose pods were evicted come again within the same bound."""

    async def main() -> None:
        script = by_attempt(fails(137, pod_reason="Evicted", seconds=0.02), succeeds(0.05))
        async with a_world(script) as world:
            plan = plan_of(shards=5, shards_at_once=2, budgets=QUICK)
            assert await watched(world, plan) == 2
            assert len(world.fake.created) == 10

    asyncio.run(main())


def test_what_runs_keeps_its_place_over_a_restart() -> None:
    """A new launcher starts nothing beside the pods it finds, though they are the last shards."""

    async def main() -> None:
        async with a_world(lambda _: runs()) as world:
            plan = plan_of(shards=6, shards_at_once=3)
            for shard in (3, 4, 5):
                await world.cluster.create_pod(pod_of(plan, shard, 1))
            life = asyncio.create_task(live(plan, world.platform, StopSignal()))
            await world.until(lambda: world.said)
            await asyncio.sleep(0.2)
            assert len(world.fake.created) == 3
            name = world.fake.created[0]
            world.fake.say(name, succeeds().states[-1][1]["status"])
            await world.until(lambda: len(world.fake.created) == 4)
            assert at_once(world) == 3
            life.cancel()
            await asyncio.gather(life, return_exceptions=True)

    asyncio.run(main())


def test_more_that_run_than_places_are_all_adopted() -> None:
    """A bound that was lowered meanwhile deletes nothing; the next pod waits for room."""

    async def main() -> None:
        async with a_world(lambda _: succeeds(0.1)) as world:
            plan = plan_of(shards=5, shards_at_once=1)
            for shard in range(4):
                await world.cluster.create_pod(pod_of(plan, shard, 1))
            assert await watched(world, plan) == 4
            assert len(world.fake.created) == 5

    asyncio.run(main())


def test_a_stop_reaches_shards_that_wait_for_a_place() -> None:
    """A user's kill ends the step at once; shards that had no pod yet never get one."""

    async def main() -> None:
        async with a_world(lambda _: runs()) as world:
            stop = StopSignal()
            plan = plan_of(shards=9, shards_at_once=2)
            life = asyncio.create_task(live(plan, world.platform, stop))
            await world.until(lambda: len(world.fake.created) == 2)
            stop.set(Verdict.KILLED_BY_USER)
            async with asyncio.timeout(20):
                end = await life
            assert end.verdict is Verdict.KILLED_BY_USER
            assert len(world.fake.created) == 2

    asyncio.run(main())


def test_the_weightiest_comes_first() -> None:
    """Who waits gets a place by weight, and by order of asking among equals."""

    async def main() -> list[str]:
        places, came = Places(1), []

        async def one(name: str, weight: float) -> None:
            await places.take(weight)
            came.append(name)
            places.give_back()

        await places.take()
        asked = [("plain", 1), ("urgent", 1000), ("second", 1), ("also urgent", 1000)]
        tasks = [asyncio.create_task(one(*each)) for each in asked]
        await asyncio.sleep(0)
        places.give_back()
        await asyncio.gather(*tasks)
        return came

    assert asyncio.run(main()) == ["urgent", "also urgent", "plain", "second"]


@settings(deadline=None)
@given(st.integers(1, 4), st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=30))
def test_places_are_never_lost_nor_doubled(most: int, takers: list[tuple[int, bool]]) -> None:
    """Whoever is cancelled, and when: no more hold one than there are, and none is lost."""

    async def main() -> None:
        places, held, seen = Places(most), 0, 0

        async def one(weight: int) -> None:
            nonlocal held, seen
            await places.take(weight)
            held += 1
            seen = max(seen, held)
            try:
                await asyncio.sleep(0)
            finally:
                held -= 1
                places.give_back()

        tasks = [asyncio.create_task(one(weight)) for weight, _ in takers]
        for task, (pauses, cancelled) in zip(tasks, takers, strict=True):
            for _ in range(pauses):
                await asyncio.sleep(0)
            if cancelled:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert seen <= most
        assert places.taken == 0

    asyncio.run(main())
