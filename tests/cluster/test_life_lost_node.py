"""What becomes of a step whose node is lost, emptied or too full.

Two tests stop a real node's kubelet and let both attempts finish. In the others the node is an
object of ours without a kubelet, so that no other pod of the cluster suffers; all that is said of
its pods besides is the real scheduler's and the real controllers' own.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from stationmaster.airflow.life.attempts import live, release
from stationmaster.airflow.life.findings import Verdict
from stationmaster.airflow.life.stopping import StopSignal
from stationmaster.airflow.life.testing.scripts import now
from tests.cluster.ghosts import ghost_node, on_ghost, say_state
from tests.cluster.life_place import LifePlace, life_place
from tests.cluster.outliving import STEP, OutlivedStep

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stationmaster.airflow.life.plan import StepEnd, StepPlan
    from stationmaster.airflow.life.platform import Platform
    from tests.cluster.place import Place
    from tests.cluster.release import Release

pytestmark = pytest.mark.cluster


@pytest.fixture(name="home", scope="module")
def _home(place: Place) -> Iterator[LifePlace]:
    with life_place(place) as home:
        yield home


async def until_placed(home: LifePlace, plan: StepPlan, platform: Platform) -> str:
    """Wait until the ghost has the pod, and say for its kubelet that it runs."""

    def placed() -> list[str]:
        pods = platform.watch.of_try(plan.context.try_id)
        return [pod["metadata"]["name"] for pod in pods if pod["spec"].get("nodeName")]

    await home.until(placed)
    (name,) = placed()
    await say_state(home, name, "Running", {"running": {"startedAt": now()}})
    return name


async def until_told_to_go(home: LifePlace, plan: StepPlan, platform: Platform) -> None:
    """Wait for the pod's deletion, and say for its kubelet that its container ended."""

    def pods() -> list[dict[str, Any]]:
        return platform.watch.of_try(plan.context.try_id)

    await home.until(lambda: pods()[0]["metadata"].get("deletionTimestamp"))
    end = {"exitCode": 143, "reason": "Error", "finishedAt": now(), "startedAt": now()}
    await say_state(home, pods()[0]["metadata"]["name"], "Failed", {"terminated": end})


async def lived_on(home: LifePlace, plan: StepPlan, harm: str, node: str) -> StepEnd:
    """Live a step on a ghost, do the harm, and return its end."""
    async with home.platform() as platform:
        living = asyncio.create_task(live(plan, platform, StopSignal()))
        await until_placed(home, plan, platform)
        if harm == "node deleted":
            await asyncio.to_thread(home.place.kubectl, "delete", "node", node)
        elif harm == "no room":
            pod = home.plan(spec=on_ghost(node, priorityClassName="system-cluster-critical")).pod
            pod["metadata"]["name"] = "important"
            pod["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "900m"}}
            text = json.dumps(pod)
            await asyncio.to_thread(home.place.kubectl, "create", "-f", "-", text=text)
            await until_told_to_go(home, plan, platform)
        end = await living
        await release(plan, end, platform)
        return end


@pytest.mark.parametrize(
    ("harm", "verdict"),
    [
        ("no kubelet", Verdict.NODE_LOST),
        ("node deleted", Verdict.NODE_LOST),
        ("no room", Verdict.PREEMPTED),
    ],
)
def test_what_befell_the_node_is_named(home: LifePlace, harm: str, verdict: Verdict) -> None:
    """A node that falls silent, is deleted, or must make room: each has its verdict."""
    with ghost_node(home.place) as node:
        plan = home.plan(spec=on_ghost(node), budgets={"again": {}})
        plan.pod["spec"]["containers"][0]["resources"]["requests"]["cpu"] = "500m"

        end = asyncio.run(lived_on(home, plan, harm, node))

    assert end.finding is not None
    assert end.finding.verdict is verdict
    assert end.finding.evidence["disruption"]


@pytest.mark.timeout(600)
def test_an_older_attempt_that_lives_on_is_refused(
    home: LifePlace, release: Release, tmp_path: Path
) -> None:
    """The kubelet stops, both attempts finish, and the older one's publish is refused."""
    step = OutlivedStep(home, release)

    end = step.live(older_first=False)

    rows, visible = step.table(tmp_path)
    assert (end.verdict, end.attempts) == (Verdict.SUCCEEDED, 2)
    assert step.old_code == 1
    assert "StaleAttemptError" in step.old_log
    assert "attempt 1 after try 1 attempt 2 had published" in step.old_log
    assert (rows[STEP]["attempt"], visible[STEP]) == (2, 1)


@pytest.mark.timeout(600)
def test_what_an_older_attempt_published_unseen_is_not_done_again(
    home: LifePlace, release: Release, tmp_path: Path
) -> None:
    """The kubelet stops, the older attempt publishes, and the next one finds that it is done."""
    step = OutlivedStep(home, release)

    end = step.live(older_first=True)

    rows, visible = step.table(tmp_path)
    (output,) = end.results[0].outputs
    assert (end.verdict, end.attempts, step.old_code) == (Verdict.SUCCEEDED, 2, 0)
    assert output.already_published
    assert (rows[STEP]["attempt"], visible[STEP]) == (1, 1)
