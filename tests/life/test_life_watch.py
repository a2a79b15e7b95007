"""The one watch of a process: what it sees whatever happens to the API server."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stationmaster.airflow.life.attempts import live
from stationmaster.airflow.life.findings import Verdict
from stationmaster.airflow.life.plan import pod_of
from stationmaster.airflow.life.podstore import Follower, PodStore, trim
from stationmaster.airflow.life.stopping import StopSignal
from stationmaster.airflow.life.testing import Refusal, runs, succeeds
from stationmaster.airflow.life.verdicts import judge
from tests.life.plans import plan_of
from tests.life.recorded_pods import recorded
from tests.life.worlds import World, a_world

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Trouble = Callable[[World], Awaitable[None]]

PODS = Path(__file__).parent / "pods"


async def create(world: World, count: int = 1) -> list[str]:
    """Create pods behind the watch's back, and return their names."""
    made = [await world.cluster.create_pod(pod_of(plan_of(), 0, 1)) for _ in range(count)]
    return [pod["metadata"]["name"] for pod in made]


async def dropped(world: World) -> None:
    """Cut the watch."""
    world.fake.faults.drop_watches()


async def expired(world: World) -> None:
    """Cut the watch, and forget what happened before: 410 when it resumes."""
    world.fake.objects.forget_history()
    world.fake.faults.drop_watches()


async def crowded(world: World) -> None:
    """Cut the watch and answer 429 to what comes next."""
    many = Refusal(429, "TooManyRequests", retry_after=0)
    for verb in ("watch", "list", "create"):
        world.fake.faults.refuse(verb, many, many)
    world.fake.objects.forget_history()
    world.fake.faults.drop_watches()


async def restarted(world: World) -> None:
    """Take the API server away for a moment."""
    await world.fake.stop()
    await asyncio.sleep(0.3)
    await world.fake.start()


@pytest.mark.parametrize("trouble", [dropped, expired, crowded, restarted])
def test_a_step_is_done_whatever_happens_to_the_watch(trouble: Trouble) -> None:
    """The watch breaks, expires, is refused or its server restarts: the step ends as it did."""

    async def main() -> None:
        async with a_world(lambda _: succeeds(0.5)) as world:
            living = asyncio.create_task(live(plan_of(), world.platform, StopSignal()))
            await world.until(lambda: world.fake.created)
            await trouble(world)
            end = await living
            assert end.verdict is Verdict.SUCCEEDED
            assert len(world.fake.created) == 1

    asyncio.run(main())


def test_a_dropped_watch_resumes_without_a_list() -> None:
    """A watch that broke goes on from its version: the pods are listed once only."""

    async def main() -> None:
        async with a_world(lambda _: succeeds(0.3)) as world:
            living = asyncio.create_task(live(plan_of(), world.platform, StopSignal()))
            await world.until(lambda: world.fake.created)
            world.fake.faults.drop_watches()
            await living
            assert world.watch.lists == 1
            assert world.cluster.requests["watch"] == 2

    asyncio.run(main())


def test_a_pod_that_went_while_the_watch_was_away_is_noticed() -> None:
    """A pod that vanished unseen is gone after the next list; the next attempt starts."""

    async def main() -> None:
        async with a_world(lambda _: runs()) as world:
            plan = plan_of(budgets={"again": {}})
            living = asyncio.create_task(live(plan, world.platform, StopSignal()))
            await world.until(lambda: any("runs on" in line for line in world.said))
            world.fake.objects.vanish("life", world.fake.created[0])
            await expired(world)
            end = await living
            assert end.verdict is Verdict.POD_DELETED

    asyncio.run(main())


def test_many_wait_for_one_pod() -> None:
    """Several waiters of one pod all wake."""

    async def main() -> None:
        async with a_world(lambda _: runs(0.1)) as world:
            await world.watch.synced("life")
            (name,) = await create(world)

            async def wait() -> str:
                with world.watch.follow("life", name) as follower:
                    while follower.pod is None or follower.pod["status"]["phase"] != "Running":
                        follower.looked()
                        await follower.changed(5.0)
                    return str(follower.pod["metadata"]["name"])

            assert await asyncio.gather(*(wait() for _ in range(20))) == [name] * 20

    asyncio.run(main())


def test_pods_are_listed_in_pages() -> None:
    """Seven pods in pages of three are all there, at one version."""

    async def main() -> None:
        async with a_world(lambda _: runs(), page_size=3) as world:
            names = await create(world, 7)
            await world.watch.synced("life")
            assert sorted(pod["metadata"]["name"] for pod in world.watch.pods("life")) == sorted(
                names
            )
            assert world.cluster.requests["list"] == 3

    asyncio.run(main())


def test_a_late_answer_does_not_bring_a_pod_back() -> None:
    """The answer to a create that arrives after the pod's end changes nothing."""
    store = PodStore()
    pod = recorded("succeeded")
    with Follower(store, (pod["metadata"]["namespace"], pod["metadata"]["name"])) as follower:
        store.put(pod)
        store.remove(pod)

        store.put(pod)

        assert follower.gone


def test_a_list_from_before_a_create_does_not_end_the_pod() -> None:
    """A pod that is known from a later version than the list's is none of the list's business."""
    store = PodStore()
    pod = recorded("succeeded")
    version = int(pod["metadata"]["resourceVersion"])
    store.put(pod)

    store.keep_only("life", [], version - 1)
    before = len(store)
    store.keep_only("life", [], version)

    assert (before, len(store)) == (1, 0)


def test_versions_that_went_back_are_believed() -> None:
    """A restored API server knows lower versions: its list replaces all that was known."""

    async def main() -> None:
        async with a_world(lambda _: runs()) as world:
            names = await create(world, 2)
            await world.watch.synced("life")
            await world.until(lambda: len(world.watch.store) == 2)
            world.fake.objects.version = 1
            world.fake.objects.vanish("life", names[0])
            world.fake.faults.refuse("watch", Refusal(504, "Timeout", "Too large resource version"))
            world.fake.faults.drop_watches()
            await world.until(lambda: len(world.watch.store) == 1)

    asyncio.run(main())


def test_an_older_state_does_not_replace_a_newer_one() -> None:
    """States that arrive out of order leave the newest."""
    store = PodStore()
    newer, older = recorded("succeeded"), recorded("succeeded")
    older["metadata"]["resourceVersion"] = "1"
    older["status"]["phase"] = "Pending"
    store.put(newer)

    store.put(older)

    (kept,) = store.of_namespace("life")
    assert kept["status"]["phase"] == newer["status"]["phase"]


@pytest.mark.parametrize("path", sorted(PODS.glob("*.json")), ids=lambda path: path.stem)
def test_a_trimmed_pod_is_judged_as_the_whole_one(path: Path) -> None:
    """Nothing that a verdict is made of is trimmed away."""
    pod = json.loads(path.read_text(encoding="utf-8"))

    assert judge(trim(pod)) == judge(pod)


def test_2000_pods_fit_in_a_few_mebibytes() -> None:
    """What is kept of 2,000 pods stays below 12 MiB."""
    text = (PODS / "exit65.json").read_text(encoding="utf-8")
    store = PodStore()
    tracemalloc.start()
    for number in range(2000):
        pod = json.loads(text)
        pod["metadata"] |= {"name": f"pod-{number}", "uid": f"uid-{number}"}
        store.put(pod)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(store) == 2000
    assert kept < 12 << 20
