"""What ends a step from outside, and what it waits for: stops, time, nodes, quotas, ledgers."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from stationmaster.airflow.life.attempts import live
from stationmaster.airflow.life.findings import Verdict
from stationmaster.airflow.life.plan import pod_of
from stationmaster.airflow.life.stopping import StopSignal
from stationmaster.airflow.life.testing import (
    PodScript,
    Refusal,
    runs,
    stuck,
    succeeds,
    unschedulable,
)
from tests.life.plans import plan_of
from tests.life.worlds import World, a_world, by_attempt

QUICK = {"pause_seconds": 0.0}


def verdicts(world: World) -> list[str | None]:
    """Return the verdicts recorded so far."""
    return [record.verdict for record in world.records]


def test_a_users_kill_deletes_the_pod() -> None:
    """Cleared or marked in Airflow: the pod is deleted with a short grace, and it is recorded."""

    async def main() -> None:
        async with a_world(lambda _: runs()) as world:
            stop = StopSignal()
            living = asyncio.create_task(live(plan_of(), world.platform, stop))
            await world.until(lambda: _phases(world) == ["Running"])
            stop.set(Verdict.KILLED_BY_USER)
            end = await living
            pod = world.fake.pod(end.pods[0].name)
            assert end.verdict is Verdict.KILLED_BY_USER
            assert pod["metadata"]["deletionGracePeriodSeconds"] == 8
            assert verdicts(world) == ["killed_by_user"]

    asyncio.run(main())


def test_a_stop_before_the_pod_creates_none() -> None:
    """Who was killed before the pod was created never creates one."""

    async def main() -> None:
        async with a_world() as world:
            stop = StopSignal()
            stop.set(Verdict.KILLED_BY_USER)
            end = await live(plan_of(), world.platform, stop)
            assert end.verdict is Verdict.KILLED_BY_USER
            assert world.fake.created == []

    asyncio.run(main())


def test_the_time_counts_from_the_try() -> None:
    """The timeout ends a step that runs too long, also one whose node does not answer."""

    async def main() -> None:
        async with a_world(lambda _: runs()) as world:
            world.fake.silent_nodes.add("fake-node")
            plan = plan_of(timeout_seconds=0.5)
            end = await live(plan, world.platform, StopSignal())
            assert end.verdict is Verdict.TIMED_OUT
            assert end.finding is not None
            assert "has not told yet" in end.finding.sentence

    asyncio.run(main())


def test_done_in_time_is_done_though_nobody_looked_in_time() -> None:
    """A pod that succeeded counts, when we come back after the step's time."""

    async def main() -> None:
        async with a_world() as world:
            plan = plan_of(timeout_seconds=0.3)
            await world.cluster.create_pod(pod_of(plan, 0, 1))
            await asyncio.sleep(0.4)
            end = await live(plan, world.platform, StopSignal())
            assert end.verdict is Verdict.SUCCEEDED

    asyncio.run(main())


def test_a_lost_nodes_attempt_is_followed_by_another() -> None:
    """A node that does not answer is given up; its pod stays, held, and the next one runs."""

    async def main() -> None:
        async with a_world(by_attempt(runs(), succeeds())) as world:
            world.fake.silent_nodes.add("fake-node")
            plan = plan_of(spec={"terminationGracePeriodSeconds": 0}, budgets=QUICK)
            living = asyncio.create_task(live(plan, world.platform, StopSignal()))
            await world.until(lambda: _phases(world) == ["Running"])
            world.fake.disrupt(world.fake.created[0], "DeletionByTaintManager")
            end = await living
            assert verdicts(world) == ["node_lost", "succeeded"]
            assert end.attempts == 2

    asyncio.run(main())


def test_a_ledger_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """An attempt that cannot be recorded is not let go: it is recorded as soon as that works."""
    monkeypatch.setattr("stationmaster.airflow.life.shardlife.RECORD_PAUSE", 0.01)
    refused = [OSError("ledger is away")] * 3

    async def main() -> None:
        async with a_world() as world:

            async def record(_: object) -> None:
                if refused:
                    raise refused.pop()
                world.said.append("recorded")

            platform = world.platform
            object.__setattr__(platform, "record", record)
            end = await live(plan_of(), platform, StopSignal())
            assert end.done
            assert "recorded" in world.said

    asyncio.run(main())


@pytest.mark.parametrize(
    ("script", "verdict"),
    [
        (stuck("InvalidImageName", "couldn't parse image name"), Verdict.IMAGE_UNAVAILABLE),
        (stuck("CreateContainerConfigError", 'secret "x" not found'), Verdict.CONFIG_ERROR),
        (unschedulable("0/3 nodes are available: 3 Insufficient memory."), Verdict.UNSCHEDULABLE),
    ],
)
def test_a_wait_in_vain_ends(script: PodScript, verdict: Verdict) -> None:
    """What will not start is given up when its budget is over, and its pod is deleted."""

    async def main() -> None:
        async with a_world(lambda _: script) as world:
            budgets = {"schedule_seconds": 0.2, "config_seconds": 0.2, "image_seconds": 0.2}
            end = await live(plan_of(budgets=budgets), world.platform, StopSignal())
            assert end.verdict is verdict
            assert "deletionTimestamp" in world.fake.pod(end.pods[0].name)["metadata"]

    asyncio.run(main())


def test_a_full_quota_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quota that is used up makes the step wait, and it says so; other refusals end it."""
    monkeypatch.setattr("stationmaster.airflow.life.starting.REFUSED_PAUSE", 0.01)

    async def main() -> None:
        async with a_world() as world:
            full = Refusal(403, "Forbidden", "exceeded quota: steps, requested: pods=1")
            world.fake.faults.refuse("create", full, full)
            end = await live(plan_of(), world.platform, StopSignal())
            assert end.done
            assert [line for line in world.said if "exceeded quota" in line][1:] == []
            world.fake.faults.refuse("create", Refusal(403, "Forbidden", "violates PodSecurity"))
            end = await live(plan_of(), world.platform, StopSignal())
            assert end.verdict is Verdict.CONFIG_ERROR

    asyncio.run(main())


def _phases(world: World) -> list[str]:
    return [pod["status"]["phase"] for pod in world.fake.objects.pods.values()]


def test_pods_that_may_not_be_listed_end_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """A namespace whose pods we may not list is said, and is a misconfiguration after a while."""
    monkeypatch.setattr("stationmaster.airflow.life.beginning.LOOK_SECONDS", 0.05)
    monkeypatch.setattr("stationmaster.airflow.life.beginning.REFUSED_SECONDS", 0.2)

    async def main() -> None:
        async with a_world() as world, asyncio.timeout(15):
            world.fake.faults.refuse("list", *[Refusal(403, "Forbidden", "cannot list")] * 99)
            end = await live(plan_of(), world.platform, StopSignal())
            assert end.verdict is Verdict.CONFIG_ERROR
            assert len([line for line in world.said if "cannot be seen yet" in line]) == 1

    asyncio.run(main())


def test_who_was_overtaken_creates_nothing() -> None:
    """A launcher whose task is another's by now creates no pod."""

    async def main() -> None:
        async with a_world() as world:

            async def not_ours() -> bool:
                return False

            platform = dataclasses.replace(world.platform, still_ours=not_ours)
            end = await live(plan_of(), platform, StopSignal())
            assert (end.verdict, world.fake.created) == (Verdict.KILLED_BY_USER, [])

    asyncio.run(main())
