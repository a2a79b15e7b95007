"""Who gives way to an urgent step, by the real scheduler, on a node of one core that is an object.

The classes are the chart's, under names of the test's own, so that no release is needed.
"""

from __future__ import annotations

import asyncio
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

from stationmaster.airflow.life.attempts import live, release
from stationmaster.airflow.life.findings import Verdict
from stationmaster.airflow.life.names import ATTEMPT_LABEL
from stationmaster.airflow.life.stopping import StopSignal
from stationmaster.airflow.life.testing.scripts import now
from tests.chart.rendering import of_kind, render
from tests.cluster.ghosts import ghost_node, on_ghost, say_state
from tests.cluster.life_place import LifePlace, life_place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stationmaster.airflow.life.plan import StepEnd, StepPlan
    from stationmaster.airflow.life.platform import Platform
    from tests.cluster.place import Place

pytestmark = pytest.mark.cluster

LOOK_SECONDS: Final = 10.0
"""How long an urgent step is watched that must not take a place; the scheduler needs one."""


@pytest.fixture(name="home", scope="module")
def _home(place: Place) -> Iterator[LifePlace]:
    with life_place(place) as home:
        yield home


@contextmanager
def classes(home: LifePlace) -> Iterator[str]:
    """Make the chart's priority classes under a prefix, and remove them."""
    prefix = f"life-{uuid.uuid4().hex[:6]}"
    made = [
        {**each, "metadata": {"name": each["metadata"]["name"].replace("stationmaster", prefix)}}
        for each in of_kind(render("kind"), "PriorityClass").values()
    ]
    for each in made:
        home.apply(each)
    try:
        yield prefix
    finally:
        names = [each["metadata"]["name"] for each in made]
        home.place.kubectl("delete", "priorityclass", *names, "--ignore-not-found")


def a_plan(home: LifePlace, node: str, rank: str) -> StepPlan:
    """Return a step that needs most of the node, of a priority class."""
    plan = home.plan(spec=on_ghost(node, priorityClassName=rank), budgets={"pause_seconds": 0.0})
    plan.pod["spec"]["containers"][0]["resources"]["requests"]["cpu"] = "700m"
    return plan


async def pod_on_node(
    home: LifePlace, platform: Platform, plan: StepPlan, attempt: int = 1
) -> dict[str, Any]:
    """Wait until an attempt has the node, say that it runs, and return its pod."""

    def placed() -> list[dict[str, Any]]:
        return [
            pod
            for pod in platform.watch.of_try(plan.context.try_id)
            if pod["metadata"]["labels"][ATTEMPT_LABEL] == str(attempt)
            and pod["spec"].get("nodeName")
        ]

    await home.until(placed)
    (pod,) = placed()
    await say_state(home, pod["metadata"]["name"], "Running", {"running": {"startedAt": now()}})
    return pod


async def end_pod(home: LifePlace, pod: dict[str, Any], code: int) -> None:
    """Say for the kubelet that a pod's container ended."""
    state = {"exitCode": code, "reason": "Ended", "startedAt": now(), "finishedAt": now()}
    phase = "Failed" if code else "Succeeded"
    await say_state(home, pod["metadata"]["name"], phase, {"terminated": state})


def told_to_go(platform: Platform, plan: StepPlan) -> bool:
    """Tell whether a pod of the plan is being deleted."""
    pods = platform.watch.of_try(plan.context.try_id)
    return any(pod["metadata"].get("deletionTimestamp") for pod in pods)


async def preempting(home: LifePlace, ordinary: StepPlan, urgent: StepPlan) -> list[StepEnd]:
    """Live an ordinary step, then an urgent one that needs its place; return both ends."""
    async with home.platform() as platform:
        first = asyncio.create_task(live(ordinary, platform, StopSignal()))
        victim = await pod_on_node(home, platform, ordinary)
        second = asyncio.create_task(live(urgent, platform, StopSignal()))
        await home.until(lambda: told_to_go(platform, ordinary))
        await end_pod(home, victim, 143)
        await end_pod(home, await pod_on_node(home, platform, urgent), 0)
        ends = [await second]
        await end_pod(home, await pod_on_node(home, platform, ordinary, attempt=2), 0)
        ends.append(await first)
        for plan, end in zip((urgent, ordinary), ends, strict=True):
            await release(plan, end, platform)
        return ends


async def waiting(home: LifePlace, steady: StepPlan, urgent: StepPlan) -> list[StepEnd]:
    """Live a step that must not be moved, then an urgent one; return both ends."""
    async with home.platform() as platform:
        first = asyncio.create_task(live(steady, platform, StopSignal()))
        pod = await pod_on_node(home, platform, steady)
        second = asyncio.create_task(live(urgent, platform, StopSignal()))
        await asyncio.sleep(LOOK_SECONDS)
        assert not told_to_go(platform, steady)
        await end_pod(home, pod, 0)
        await end_pod(home, await pod_on_node(home, platform, urgent), 0)
        ends = [await first, await second]
        for plan, end in zip((steady, urgent), ends, strict=True):
            await release(plan, end, platform)
        return ends


def test_an_urgent_step_takes_the_place_of_an_ordinary_one(home: LifePlace) -> None:
    """The ordinary step is preempted, runs again without a retry, and both are done."""
    with ghost_node(home.place) as node, classes(home) as prefix:
        ordinary = a_plan(home, node, f"{prefix}-step")
        urgent = a_plan(home, node, f"{prefix}-urgent")
        ends = asyncio.run(preempting(home, ordinary, urgent))

    assert [(end.verdict, end.attempts) for end in ends] == [
        (Verdict.SUCCEEDED, 1),
        (Verdict.SUCCEEDED, 2),
    ]
    verdicts = [each.verdict for each in home.records if each.try_id == ordinary.context.try_id]
    assert verdicts == ["preempted", "succeeded"]


def test_an_urgent_step_waits_for_one_that_must_not_be_moved(home: LifePlace) -> None:
    """No scheduler takes the place of a step that is as high: the urgent one waits for its end."""
    with ghost_node(home.place) as node, classes(home) as prefix:
        steady = a_plan(home, node, f"{prefix}-uninterruptible")
        urgent = a_plan(home, node, f"{prefix}-urgent")
        ends = asyncio.run(waiting(home, steady, urgent))

    assert [(end.verdict, end.attempts) for end in ends] == [(Verdict.SUCCEEDED, 1)] * 2
