"""Steps that ask for memory where they run, against an API server that resizes pods."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from stationmaster.airflow.life.attempts import live
from stationmaster.airflow.life.growing import let_grow
from stationmaster.airflow.life.podfacts import memory_limit
from stationmaster.airflow.life.stopping import StopSignal
from stationmaster.airflow.life.testing import PodScript, Refusal, gets_short, succeeds
from tests.life.plans import plan_of
from tests.life.worlds import World, a_world

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 2**20


def limits(world: World) -> list[int | None]:
    """Return the memory limits of all pods, as they are now."""
    return [memory_limit(pod) for pod in world.fake.objects.pods.values()]


async def grown(
    world: World,
    *,
    grows: bool,
    until: Callable[[], object] | None = None,
    **budgets: Any,  # noqa: ANN401 (fields)
) -> None:
    """Live a step that asks for memory until it has asked, and what is awaited has come."""
    stop = StopSignal()
    living = asyncio.create_task(live(plan_of(grows=grows, budgets=budgets), world.platform, stop))
    await world.until(lambda: _short(world))
    if until is None:
        await asyncio.sleep(1.6)  # nothing is awaited: it had the time to do what it must not
    else:
        await world.until(until)
    living.cancel()
    await asyncio.gather(living, return_exceptions=True)


def _short(world: World) -> bool:
    return any(
        each["type"] == "Ready" and each["status"] == "False" and each["lastTransitionTime"] > made
        for pod in world.fake.objects.pods.values()
        for each in pod["status"].get("conditions") or ()
        for made in (pod["metadata"]["creationTimestamp"],)
    )


def short_pod(_: dict[str, Any]) -> PodScript:
    """Return the script of a pod whose memory gets short."""
    return gets_short()


def test_a_step_that_gets_short_of_memory_gets_more_where_it_runs() -> None:
    """Its limit is doubled once a wish, its pod is the same, and the log says so."""

    async def main() -> None:
        async with a_world(short_pod) as world:
            await grown(
                world, grows=True, until=lambda: limits(world) == [128 * MIB] and world.said
            )
            assert limits(world) == [128 * MIB]
            assert len(world.fake.created) == 1
            assert world.cluster.requests["resize"] == 1
            assert any("is given 128 MiB where it runs" in line for line in world.said)

    asyncio.run(main())


def test_nothing_grows_beyond_the_largest_node() -> None:
    """A step at the cap keeps its limit; the kernel has the last word."""

    async def main() -> None:
        async with a_world(short_pod) as world:
            await grown(world, grows=True, memory_cap_bytes=64 * MIB)
            assert limits(world) == [64 * MIB]
            assert world.cluster.requests["resize"] == 0

    asyncio.run(main())


def test_a_step_that_was_not_let_grow_does_not() -> None:
    """Without the option a pod that is not ready is just that."""

    async def main() -> None:
        async with a_world(short_pod) as world:
            await grown(world, grows=False)
            assert limits(world) == [64 * MIB]

    asyncio.run(main())


def test_a_refused_growth_is_said_and_ends_nothing() -> None:
    """Without the right to resize, the step goes on with what it has, and its log says why."""

    async def main() -> None:
        async with a_world(short_pod) as world:
            world.fake.faults.refuse("resize", Refusal(403, "Forbidden", "no pods/resize"))
            await grown(world, grows=True, until=lambda: "cannot grow" in " ".join(world.said))
            assert limits(world) == [64 * MIB]
            assert any("cannot grow" in line for line in world.said)
            assert [record.verdict for record in world.records if record.verdict] == []

    asyncio.run(main())


def test_a_probe_of_the_authors_own_is_kept() -> None:
    """A container that has a readiness probe keeps it, and is not made to grow."""
    container = {"name": "base", "readinessProbe": {"exec": {"command": ["true"]}}}
    let_grow(container)
    assert container == {"name": "base", "readinessProbe": {"exec": {"command": ["true"]}}}


def test_a_step_that_ends_is_given_nothing() -> None:
    """A step that stops answering because it is over does not grow on its way out."""
    short = gets_short()
    done = succeeds().states[-1]

    async def main() -> None:
        async with a_world(lambda _: PodScript((*short.states, done))) as world:
            await live(plan_of(grows=True), world.platform, StopSignal())
            assert world.cluster.requests["resize"] == 0
            assert [record.asked_memory_bytes for record in world.records] == [64 * MIB]

    asyncio.run(main())
