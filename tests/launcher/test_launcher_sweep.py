"""A try that is over leaves no pod, and no attempt without a record."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from stationmaster.airflow.launcher import platform as sweeping
from stationmaster.airflow.launcher.platform import StepsPlatform
from stationmaster.airflow.life.apierrors import ClusterError
from stationmaster.airflow.life.plan import pod_of
from stationmaster.airflow.life.testing import FakeCluster, Refusal, runs, succeeds
from stationmaster.airflow.life.testing.scripts import NODE
from stationmaster.step.settings import Settings
from tests.life.plans import plan_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from stationmaster.airflow.life.testing import PodScript
    from stationmaster.ledger.records import AttemptRecord

PLAN = plan_of()
TRY_ID = PLAN.context.try_id


@asynccontextmanager
async def swept(
    script: Callable[[dict[str, Any]], PodScript], phase: str
) -> AsyncIterator[tuple[FakeCluster, StepsPlatform, list[AttemptRecord]]]:
    """Open a cluster with one pod of a try, in a phase that nobody watched it come to."""
    records: list[AttemptRecord] = []

    async def record(each: AttemptRecord) -> None:
        records.append(each)

    async with FakeCluster(script) as fake:
        settings = Settings(kubernetes_url=fake.url, steps_namespace="life")
        async with StepsPlatform(settings, record) as platform, asyncio.timeout(60):
            made = await platform.cluster.create_pod(pod_of(PLAN, 0, 1))
            while fake.pod(made["metadata"]["name"])["status"].get("phase") != phase:  # noqa: ASYNC110 (of state that no event tells of)
                await asyncio.sleep(0.01)
            yield fake, platform, records


def test_what_ended_unwatched_is_recorded_before_it_goes() -> None:
    """The attempt of a step that was cleared while no launcher ran is in the ledger."""

    async def main() -> None:
        async with swept(lambda _: succeeds(), "Succeeded") as (fake, platform, records):
            await platform.sweep(TRY_ID)
            assert [each.verdict for each in records] == ["succeeded"]
            assert not fake.objects.pods

    asyncio.run(main())


def test_what_runs_is_stopped() -> None:
    """A sweep returns when the pod that ran is gone, not before; it was killed by the user."""

    async def main() -> None:
        async with swept(lambda _: runs(), "Running") as (fake, platform, records):
            await platform.sweep(TRY_ID)
            assert not fake.objects.pods
            assert [each.verdict for each in records] == ["killed_by_user"]

    asyncio.run(main())


def test_a_sweep_without_an_answer_is_no_sweep() -> None:
    """While the API server refuses, nobody may say that the pods are gone."""

    async def main() -> None:
        async with swept(lambda _: runs(), "Running") as (fake, platform, _):
            fake.faults.refuse("list", *[Refusal(403, "Forbidden")] * 20)
            with pytest.raises(ClusterError):
                await platform.sweep(TRY_ID)

    asyncio.run(main())


def test_a_dead_node_holds_up_no_new_try(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pod whose kubelet says nothing is left to the reaper, after a while."""
    monkeypatch.setattr(sweeping, "LONGEST_SWEEP_SECONDS", 2.0)

    async def main() -> None:
        async with swept(lambda _: runs(), "Running") as (fake, platform, _):
            fake.silent_nodes.add(NODE)
            await platform.sweep(TRY_ID)
            (pod,) = fake.objects.pods.values()
            assert pod["metadata"]["deletionTimestamp"]

    asyncio.run(main())
