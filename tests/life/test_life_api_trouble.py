"""What the API server loses, refuses for a while, or takes back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from stationmaster.airflow.life.attempts import live
from stationmaster.airflow.life.cluster import Cluster
from stationmaster.airflow.life.endpoint import plain
from stationmaster.airflow.life.findings import Verdict
from stationmaster.airflow.life.plan import pod_of
from stationmaster.airflow.life.podwatch import PodWatch
from stationmaster.airflow.life.stopping import StopSignal
from stationmaster.airflow.life.testing import FakeCluster, Refusal, runs, succeeds
from tests.life.plans import plan_of
from tests.life.worlds import World, a_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

BEHIND = Refusal(504, "Timeout", "Too large resource version: 9, current: 1")
"""What an API server says that was restored, or that lags behind another one."""


def phases(world: World) -> list[str]:
    """Return the phases of all pods."""
    return [pod["status"]["phase"] for pod in world.fake.objects.pods.values()]


def test_a_kill_finds_the_pod_of_a_lost_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A create was stored, its answer got lost, and the user kills: the pod is deleted too."""
    monkeypatch.setattr("stationmaster.airflow.life.starting.TAKEN_PAUSE", 0.3)

    async def main() -> None:
        async with a_world(lambda _: runs()) as world:
            lost = Refusal(500, after_the_fact=True)
            world.fake.faults.refuse("create", lost)
            world.fake.faults.refuse("get", Refusal(404, "NotFound"))
            stop = StopSignal()
            living = asyncio.create_task(live(plan_of(), world.platform, stop))
            await world.until(lambda: world.fake.faults.answered["get"] == 1)
            stop.set(Verdict.KILLED_BY_USER)
            end = await living
            assert end.verdict is Verdict.KILLED_BY_USER
            assert "deletionTimestamp" in world.fake.pod(end.pods[0].name)["metadata"]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("code", "reason"),
    [(403, "pods is forbidden: cannot create resource"), (404, 'namespaces "life" not found')],
)
def test_a_right_that_comes_late_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, code: int, reason: str
) -> None:
    """An API server that has just started refuses for a moment: that is no misconfiguration."""
    monkeypatch.setattr("stationmaster.airflow.life.starting.WARM_UP_PAUSE", 0.01)

    async def main() -> None:
        async with a_world() as world:
            cold = Refusal(code, "Forbidden", reason)
            world.fake.faults.refuse("create", cold, cold)
            assert (await live(plan_of(), world.platform, StopSignal())).done

    asyncio.run(main())


def test_a_pod_that_ended_is_done_though_the_api_server_was_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Our time is over and the API server was away: the pod is looked at before anything ends."""
    monkeypatch.setattr("stationmaster.airflow.life.beginning.LOOK_SECONDS", 0.05)

    async def main() -> None:
        async with a_world() as world:
            plan = plan_of(timeout_seconds=0.2)
            await world.cluster.create_pod(pod_of(plan, 0, 1))
            await world.until(lambda: phases(world) == ["Succeeded"])
            await world.fake.stop()
            living = asyncio.create_task(live(plan, world.platform, StopSignal()))
            await asyncio.sleep(0.5)
            await world.fake.start()
            assert (await living).verdict is Verdict.SUCCEEDED

    asyncio.run(main())


def test_a_kill_waits_for_an_api_server_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """The task is killed before we have seen any pod: the pod is deleted, however long it takes."""
    monkeypatch.setattr("stationmaster.airflow.life.beginning.LOOK_SECONDS", 0.05)

    async def main() -> None:
        async with a_world(lambda _: runs()) as world:
            plan, stop = plan_of(), StopSignal()
            await world.cluster.create_pod(pod_of(plan, 0, 1))
            await world.until(lambda: phases(world) == ["Running"])
            await world.fake.stop()
            stop.set(Verdict.KILLED_BY_USER)
            living = asyncio.create_task(live(plan, world.platform, stop))
            await asyncio.sleep(0.3)
            assert not living.done()
            await world.fake.start()
            end = await living
            assert "deletionTimestamp" in world.fake.pod(end.pods[0].name)["metadata"]

    asyncio.run(main())


def test_a_kill_asks_for_a_lost_pod_until_it_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer got lost and the API server is gone: the pod is found when it is back."""
    monkeypatch.setattr("stationmaster.airflow.life.starting.AWAY_PAUSE", 0.05)

    async def main() -> None:
        async with a_world(lambda _: runs(), patience_seconds=0.3) as world:
            stop = StopSignal()
            await world.watch.synced("life")
            lost = Refusal(503, after_the_fact=True, retry_after=1)
            world.fake.faults.refuse("create", lost)
            living = asyncio.create_task(live(plan_of(), world.platform, stop))
            await world.until(lambda: phases(world) == ["Running"])
            await world.fake.stop()
            stop.set(Verdict.KILLED_BY_USER)
            await asyncio.sleep(2.0)
            await world.fake.start()
            end = await living
            assert end.verdict is Verdict.KILLED_BY_USER
            assert "deletionTimestamp" in world.fake.pod(end.pods[0].name)["metadata"]

    asyncio.run(main())


def test_a_pod_that_was_made_after_all_is_not_given_up() -> None:
    """The time to be admitted is over, but the create whose answer got lost had worked."""

    async def main() -> None:
        async with a_world(lambda _: succeeds(0.2)) as world:
            world.fake.faults.refuse("create", Refusal(500, after_the_fact=True))
            world.fake.faults.refuse("get", Refusal(404, "NotFound"))
            plan = plan_of(budgets={"schedule_seconds": 1e-9})
            end = await live(plan, world.platform, StopSignal())
            assert (end.verdict, len(end.pods)) == (Verdict.SUCCEEDED, 1)

    asyncio.run(main())


def test_a_delete_that_is_refused_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The task's log says why a kill takes long; no log holds the pod's document."""
    monkeypatch.setattr("stationmaster.airflow.life.following.AWAY_PAUSE", 0.01)

    async def main() -> None:
        async with a_world(lambda _: runs()) as world:
            stop = StopSignal()
            world.fake.faults.refuse("delete", *[Refusal(403, "Forbidden", "not now")] * 5)
            living = asyncio.create_task(live(plan_of(), world.platform, stop))
            await world.until(lambda: phases(world) == ["Running"])
            stop.set(Verdict.KILLED_BY_USER)
            await living
            (name,) = world.fake.created
            told = [line for line in world.said if "cannot be stopped yet" in line]
            assert [line.startswith(name) for line in told] == [True]

    asyncio.run(main())
    assert "cannot be deleted yet" in caplog.text
    assert "containers" not in caplog.text


def test_an_end_under_a_lower_version_is_believed() -> None:
    """A restored API server counts from before: a pod that ends then is seen to end."""

    async def main() -> None:
        async with a_world(lambda _: runs()) as world, asyncio.timeout(15):
            living = asyncio.create_task(live(plan_of(), world.platform, StopSignal()))
            await world.until(lambda: any("runs on" in line for line in world.said))
            world.fake.faults.refuse("watch", BEHIND)
            world.fake.faults.drop_watches()
            world.fake.objects.version = 1
            name = world.fake.created[0]
            world.fake.say(name, succeeds().states[-1][1]["status"])
            assert (await living).verdict is Verdict.SUCCEEDED

    asyncio.run(main())


class Interrupted(Cluster):
    """A client during whose lists something happens."""

    meanwhile: Callable[[], None] = staticmethod(lambda: None)

    async def list_pods(
        self, namespace: str, selector: str, *, page_size: int = 250
    ) -> AsyncIterator[tuple[list[dict[str, Any]], str]]:
        """Yield the pods, and let it happen before the list is over."""
        async for page in super().list_pods(namespace, selector, page_size=page_size):
            yield page
        self.meanwhile()


def test_a_pod_made_while_a_restored_server_is_listed_is_there() -> None:
    """Versions do not compare then; what was created during the list is not taken for gone."""
    pod = pod_of(plan_of(), 0, 1)
    pod["metadata"] |= {"uid": "u", "resourceVersion": "2"}

    async def main() -> None:
        async with (
            FakeCluster() as fake,
            Interrupted(plain(fake.url)) as cluster,
            PodWatch(cluster) as watch,
            asyncio.timeout(15),
        ):
            await watch.synced("life")
            cluster.meanwhile = lambda: watch.learn(pod)
            fake.faults.refuse("watch", BEHIND)
            fake.faults.drop_watches()
            while watch.lists < 2:  # noqa: ASYNC110 (of state that no event tells of)
                await asyncio.sleep(0.01)
            assert [each["metadata"]["uid"] for each in watch.pods("life")] == ["u"]

    asyncio.run(main())
