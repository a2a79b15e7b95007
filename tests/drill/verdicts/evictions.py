"""Causes by which a node or the scheduler takes a step's room away: evictions, preemption."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from stationmaster.airflow.life.findings import Verdict
from tests.drill.verdicts.endings import beside
from tests.drill.verdicts.scene import Cause, victim
from tests.drill.verdicts.stops import TRAPPED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from stationmaster.airflow.life.plan import StepPlan
    from tests.drill.verdicts.scene import Scene

__all__ = ["CAUSES"]

SEAT: Final = "drill.stationmaster.io/seat"
"""An extended resource that one node is given: who wants its seats preempts nobody else."""

LOW: Final = "verdicts-low"
HIGH: Final = "verdicts-high"


def _fills_volume(scene: Scene) -> StepPlan:
    fill = "dd if=/dev/zero of=/data/fill bs=1M count=60; sleep 600"
    mounts = [{"name": "data", "mountPath": "/data"}]
    spec = beside(command=["sh", "-c", fill], volumeMounts=mounts)
    volumes = [{"name": "data", "emptyDir": {"sizeLimit": "10Mi"}}]
    return scene.plan(spec={**spec, "volumes": volumes})


def _fills_disk(scene: Scene) -> StepPlan:
    fill = "dd if=/dev/zero of=/data/fill bs=1M count=60; sleep 600"
    resources = {
        "requests": {"cpu": "10m", "memory": "64Mi", "ephemeral-storage": "1Mi"},
        "limits": {"memory": "64Mi", "ephemeral-storage": "10Mi"},
    }
    mounts = [{"name": "data", "mountPath": "/data"}]
    spec = beside(command=["sh", "-c", fill], volumeMounts=mounts, resources=resources)
    return scene.plan(spec={**spec, "volumes": [{"name": "data", "emptyDir": {}}]})


def _refused(fields: dict[str, Any], scene: Scene) -> StepPlan:
    """Return a step that is bound to a node past the scheduler, which its node then refuses."""
    return scene.plan(spec={"nodeName": victim(scene), **fields})


def _seated(scene: Scene) -> StepPlan:
    seat = {SEAT: "1"}
    resources = {
        "requests": {"cpu": "10m", "memory": "64Mi", **seat},
        "limits": {"memory": "64Mi", **seat},
    }
    spec = beside(command=["sh", "-c", TRAPPED], resources=resources)
    return scene.plan(spec={**spec, "priorityClassName": LOW, "terminationGracePeriodSeconds": 2})


@asynccontextmanager
async def _seats(scene: Scene) -> AsyncIterator[None]:
    """Give a node one seat for each step, and the cluster two priorities below all others."""
    seats = scene.times
    classes = [
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": name},
            "value": value,
        }
        for name, value in ((LOW, -20), (HIGH, -10))
    ]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": classes})
    node = ("patch", "node", victim(scene), "--subresource=status", "--type=merge", "-p")
    await scene.kubectl("apply", "-f", "-", text=text)
    await scene.kubectl(*node, _room(str(seats)))
    try:
        yield
    finally:
        await scene.kubectl(*node, _room(None))
        await scene.kubectl("delete", "priorityclass", LOW, HIGH)


def _room(seats: str | None) -> str:
    return json.dumps({"status": {key: {SEAT: seats} for key in ("capacity", "allocatable")}})


async def _take_all_seats(scene: Scene) -> None:
    """Create one pod of a higher priority that needs every seat."""
    await scene.until_running()
    seats = {SEAT: str(scene.times)}
    pod = scene.plan(spec={**beside(), "priorityClassName": HIGH}).pod
    pod["metadata"]["name"] = "important"
    pod["spec"]["containers"][0]["resources"] = {"requests": seats, "limits": seats}
    await scene.kubectl("create", "-f", "-", text=json.dumps(pod))
    await scene.until_over()
    namespace = ("-n", scene.home.namespace)
    await scene.kubectl(*namespace, "delete", "pod", "important", "--grace-period=1")


CAUSES: Final = (
    Cause("emptyDir above its sizeLimit", Verdict.EVICTED, _fills_volume),
    Cause("ephemeral storage above its limit", Verdict.EVICTED, _fills_disk),
    Cause(
        "node refuses the pod (OutOfcpu)",
        Verdict.EVICTED,
        partial(_refused, beside(resources={"requests": {"cpu": "500"}})),
    ),
    Cause(
        "node refuses the pod (NodeAffinity)",
        Verdict.EVICTED,
        partial(_refused, {"nodeSelector": {"no": "where"}}),
    ),
    Cause(
        "a pod of higher priority needs the room",
        Verdict.PREEMPTED,
        _seated,
        _take_all_seats,
        setting=_seats,
        shared="one pod that needs the room of all steps of a round",
        alone=True,
    ),
)
"""The cluster wants the room for something else, or never gave it."""
