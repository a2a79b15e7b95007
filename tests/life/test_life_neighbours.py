"""Two Airflows that share one namespace for steps, and pods of before they were told apart."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from stationmaster.airflow.life.attempts import live
from stationmaster.airflow.life.findings import Verdict
from stationmaster.airflow.life.names import PLATFORM_LABEL, platform_label
from stationmaster.airflow.life.plan import pod_of
from stationmaster.airflow.life.reaper import Reaped, Reaper
from stationmaster.airflow.life.stopping import StopSignal
from stationmaster.airflow.life.testing import Refusal, fails, runs, succeeds
from tests.life.plans import plan_of
from tests.life.worlds import World, a_world, by_attempt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stationmaster.airflow.life.plan import StepPlan

QUICK = {"pause_seconds": 0.0, "again": {"evicted": 3}}


async def create(
    world: World, plan: StepPlan, platform: str | None, *, attempt: int = 1
) -> dict[str, Any]:
    """Create a pod of a platform; None: of before there were platforms."""
    pod = pod_of(plan, 0, attempt)
    pod["metadata"]["labels"].pop(PLATFORM_LABEL)
    if platform is not None:
        pod["metadata"]["labels"][PLATFORM_LABEL] = platform
    return await world.cluster.create_pod(pod)


async def reaped(world: World, *, known: frozenset[str] = frozenset()) -> Reaped:
    """Return what a reaper did that owns nothing, and knows some tries."""

    async def nothing(asked: frozenset[str]) -> frozenset[str]:
        return asked & frozenset()

    async def those(asked: frozenset[str]) -> frozenset[str]:
        return asked & known

    reaper = Reaper(world.cluster, world.watch, nothing, known=those, ownerless_seconds=0.0)
    return await reaper.round("life")


@pytest.fixture(name="call_us")
def _call_us(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Give this process another platform's id."""

    def call(platform_id: str) -> None:
        monkeypatch.setenv("STATIONMASTER_PLATFORM_ID", platform_id)
        platform_label.cache_clear()

    yield call
    platform_label.cache_clear()


def test_every_pod_says_whose_it_is(call_us: Callable[[str], None]) -> None:
    """The platform's id is in the labels of what is created."""
    call_us("prod.airflow")

    pod = pod_of(plan_of(), 0, 1)

    assert pod["metadata"]["labels"]["stationmaster.io/platform"] == "prod.airflow"


def test_ids_that_no_label_can_hold_stay_apart(call_us: Callable[[str], None]) -> None:
    """Two long ids that begin and end alike are two labels, each one that Kubernetes takes."""
    labels = set()
    for middle in "xy":
        call_us(f"{'a' * 60}/{middle}{'b' * 60}")
        labels.add(platform_label())

    assert len(labels) == 2
    assert max(map(len, labels)) <= 63


def test_another_platforms_pods_are_not_seen_nor_reaped() -> None:
    """Listed or watched: a pod of another platform is none of ours, whoever owns it."""

    async def main() -> None:
        async with a_world(lambda _: runs()) as world:
            await create(world, plan_of(), "other")
            await world.watch.synced("life")
            await create(world, plan_of(), "other")
            mine = (await create(world, plan_of(), "stationmaster"))["metadata"]["name"]
            await world.until(lambda: len(world.watch.store))
            seen = [pod["metadata"]["name"] for pod in world.watch.pods("life")]
            assert seen == [mine]
            assert (await reaped(world)).ownerless == (mine,)
            alive = [p for p in world.fake.objects.pods.values() if _is_left(p)]
            assert len(alive) == 2

    asyncio.run(main())


def test_an_unmarked_pod_is_reaped_only_where_its_try_is_known() -> None:
    """A pod of before the label goes if our database knows its try; else it may be another's."""

    async def main() -> None:
        async with a_world(lambda _: runs()) as world:
            ours, whose = plan_of(), plan_of()
            name = (await create(world, ours, None))["metadata"]["name"]
            await create(world, whose, None)
            did = await reaped(world, known=frozenset({ours.context.try_id}))
            assert did.ownerless == (name,)
            assert await reaped(world) == Reaped()

    asyncio.run(main())


@pytest.mark.parametrize("platform", [None, "before"])
def test_a_pod_with_no_or_an_older_id_is_lived_on(platform: str | None) -> None:
    """After an upgrade, or a change of the id, a try goes on with the attempt that runs."""

    async def main() -> None:
        script = by_attempt(fails(137), succeeds(0.3))
        async with a_world(script) as world:
            plan = plan_of(budgets=QUICK)
            made = await create(world, plan, platform, attempt=2)
            end = await live(plan, world.platform, StopSignal())
            assert (end.verdict, end.attempts) == (Verdict.SUCCEEDED, 2)
            assert world.fake.created == [made["metadata"]["name"]]

    asyncio.run(main())


def test_a_pod_that_another_id_made_meanwhile_is_taken() -> None:
    """A create that meets the same attempt under another id adopts it, and sees how it ends."""

    async def main() -> None:
        async with a_world(lambda _: succeeds(0.3)) as world, asyncio.timeout(15):
            plan = plan_of()
            await world.watch.synced("life")
            world.fake.faults.refuse("create", Refusal(503, after_the_fact=True))
            living = asyncio.create_task(live(plan, world.platform, StopSignal()))
            await world.until(lambda: world.fake.created)
            labels = {PLATFORM_LABEL: "other"}
            name = world.fake.created[0]
            world.fake.objects.merge_into("life", name, {"metadata": {"labels": labels}})
            assert (await living).verdict is Verdict.SUCCEEDED
            assert world.fake.pod(name)["metadata"]["labels"][PLATFORM_LABEL] == "stationmaster"

    asyncio.run(main())


def _is_left(pod: dict[str, Any]) -> bool:
    return "deletionTimestamp" not in pod["metadata"]
