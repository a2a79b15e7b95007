"""What the control plane does to pods of a node that is lost, emptied or too full.

The node is an object of ours without a kubelet, so that no other pod of the cluster suffers; all
that is said of its pods besides is the real scheduler's and the real controllers' own.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from stationmaster.airflow.life.attempts import live, release
from stationmaster.airflow.life.findings import Verdict
from stationmaster.airflow.life.stopping import StopSignal
from stationmaster.airflow.life.testing.scripts import now
from tests.cluster.life_place import LifePlace, life_place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stationmaster.airflow.life.plan import StepEnd, StepPlan
    from stationmaster.airflow.life.platform import Platform
    from tests.cluster.place import Place

pytestmark = pytest.mark.cluster


@pytest.fixture(name="home", scope="module")
def _home(place: Place) -> Iterator[LifePlace]:
    with life_place(place) as home:
        yield home


@contextmanager
def ghost_node(place: Place) -> Iterator[str]:
    """Make a node that is ready and has no kubelet, and remove it."""
    name = f"ghost-{uuid.uuid4().hex[:6]}"
    room = {"cpu": "1", "memory": "1Gi", "pods": "10"}
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"ghost": name}},
        "spec": {"taints": [{"key": "ghost", "value": name, "effect": "NoSchedule"}]},
    }
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    status = json.dumps({"status": {**ready, "capacity": room, "allocatable": room}})
    place.kubectl("create", "-f", "-", text=json.dumps(node))
    try:
        place.kubectl("patch", "node", name, "--subresource=status", "--type=merge", "-p", status)
        yield name
    finally:
        place.kubectl("delete", "node", name, "--ignore-not-found")


def on_ghost(node: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
    """Return the part of a pod's spec that sends it to the ghost, and soon away from it."""
    tolerations = [
        {"key": "ghost", "operator": "Exists"},
        *(
            {
                "key": f"node.kubernetes.io/{state}",
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": 1,
            }
            for state in ("not-ready", "unreachable")
        ),
    ]
    return {
        "nodeSelector": {"ghost": node},
        "tolerations": tolerations,
        "terminationGracePeriodSeconds": 1,
        **fields,
    }


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


async def say_state(home: LifePlace, pod: str, phase: str, state: dict[str, Any]) -> None:
    """Write what a kubelet would of the pod's one container."""
    status = {"name": "base", "image": "x", "imageID": "x", "ready": True, "restartCount": 0}
    patch = {"status": {"phase": phase, "containerStatuses": [{**status, "state": state}]}}
    arguments = ("-n", home.namespace, "patch", "pod", pod, "--subresource=status")
    await asyncio.to_thread(home.place.kubectl, *arguments, "--type=merge", "-p", json.dumps(patch))


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
