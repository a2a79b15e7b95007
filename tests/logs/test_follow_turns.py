"""More pods to follow than a process follows at a time: none is dropped without a word."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from stationmaster.airflow.life.plan import PodRef
from stationmaster.airflow.logs.follower import PodLogs
from stationmaster.airflow.logs.platform import PlatformLogs
from stationmaster.airflow.logs.turns import Turns
from stationmaster.step.logs.store import FolderStore
from stationmaster.step.settings import Settings
from tests.logs.conftest import LOG_PATH
from tests.logs.kubelet import Kubelet, pod, served

if TYPE_CHECKING:
    from pathlib import Path

    from stationmaster.airflow.life.cluster import Cluster
    from stationmaster.step.protocol import StepContext
    from tests.logs.conftest import Shown


@pytest.fixture(name="logs")
def _logs(store_folder: Path, tmp_path: Path) -> PlatformLogs:
    return PlatformLogs(FolderStore(store_folder), tmp_path / "airflow", Settings(home=tmp_path))


async def crowd(
    cluster: Cluster, logs: PlatformLogs, context: StepContext, turns: Turns
) -> list[PodLogs]:
    """Follow pods of other steps until none but those that ended would get a turn."""
    others = []
    for number in range(turns.running):
        path = f"dag_id=morning/run_id=r1/task_id=other-{number}/attempt=1.log"
        others.append(PodLogs(cluster, logs, path, turns))
        others[-1].seen(context, pod(live=True, ended=False, name=f"other-{number}"))
    while not turns.are_taken:  # noqa: ASYNC110 (of state that no event tells of)
        await asyncio.sleep(0.01)
    return others


def test_a_pod_without_a_turn_is_read_when_it_ended(
    logs: PlatformLogs, context: StepContext, shown: Shown
) -> None:
    """The 65th foreign pod waits, says so, and is read whole at its end, whoever runs on."""
    said: list[str] = []

    async def run() -> None:
        kubelet, turns = Kubelet(), Turns(running=2)
        kubelet.say("one", "two")
        async with served(kubelet) as cluster:
            others = await crowd(cluster, logs, context, turns)
            pods = PodLogs(cluster, logs, LOG_PATH, turns, said.append)
            pods.seen(context, pod(live=True, ended=False))
            await asyncio.sleep(0.2)
            pods.seen(context, pod(live=True, ended=True))
            kubelet.ended.set()
            await pods.before_release(PodRef(name="p", uid="uid of p"))
            for each in (pods, *others):
                await each.close()
        logs.close()

    asyncio.run(run())
    assert [line.rpartition(") ")[2] for line in shown()] == ["one", "two"]
    assert said == [
        "The log of p is shown later, at the latest when it ended: 2 pods are followed already."
    ]


def test_a_log_that_no_turn_came_for_is_named(
    logs: PlatformLogs, context: StepContext, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the pod has to go before its turn comes, its log says that it was not read."""
    monkeypatch.setattr("stationmaster.airflow.logs.follower.LAST_READ_SECONDS", 0.2)

    async def run() -> None:
        turns = Turns(running=1, over=1)
        async with served(Kubelet()) as cluster:
            others = await crowd(cluster, logs, context, turns)
            pods = PodLogs(cluster, logs, LOG_PATH, turns)
            never = asyncio.Event()
            never.set()
            async with turns.taken(never):
                pods.seen(context, pod(live=True, ended=True))
                await pods.before_release(PodRef(name="p", uid="uid of p"))
            for each in (pods, *others):
                await each.close()
        logs.close()

    asyncio.run(run())
    (line,) = shown()
    assert "lines may have been lost: the pod's log was not read in time" in line


def test_a_turn_that_nobody_waits_for_any_more_is_free() -> None:
    """Who was cancelled while it waited, or while it read, leaves its turn to the next."""

    async def run() -> None:
        turns, ended = Turns(running=1), asyncio.Event()

        async def read() -> None:
            async with turns.taken(ended):
                await asyncio.sleep(60)

        tasks = [asyncio.create_task(read()) for _ in range(5)]
        await asyncio.sleep(0.05)
        assert turns.are_taken
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert not turns.are_taken

    asyncio.run(run())
