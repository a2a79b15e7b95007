"""Causes that lie with nodes: drains, taints, nodes that are lost."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from stationmaster.airflow.life.findings import Verdict
from stationmaster.airflow.life.testing.scripts import now
from tests.cluster.ghosts import ghost_node, on_ghost, say_state
from tests.cluster.life_place import base_image
from tests.cluster.nodes import images, on_node
from tests.drill.verdicts.scene import CAUSE_LABEL, Cause, victim
from tests.drill.verdicts.stops import TRAPPED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from stationmaster.airflow.life.plan import StepPlan
    from tests.drill.verdicts.scene import Scene

__all__ = ["CAUSES"]

TAINT: Final = "drill.stationmaster.io/out"
CONTROL: Final = "node-role.kubernetes.io/control-plane"


def _there(scene: Scene, **fields: Any) -> StepPlan:  # noqa: ANN401 (of the pod's spec)
    where = {"kubernetes.io/hostname": victim(scene)}
    return scene.plan(
        TRAPPED, spec={"nodeSelector": where, "terminationGracePeriodSeconds": 2, **fields}
    )


async def _evict(scene: Scene) -> None:
    """Ask the eviction API for each pod, as `kubectl drain` and Karpenter do."""
    await scene.until_running()
    for name in scene.names():
        path = f"/api/v1/namespaces/{scene.home.namespace}/pods/{name}/eviction"
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
        await scene.kubectl("create", "--raw", path, "-f", "-", text=json.dumps(eviction))


async def _drain(scene: Scene) -> None:
    await scene.until_running()
    node = victim(scene)
    only = f"--pod-selector={CAUSE_LABEL}={scene.slug}"
    try:
        await scene.kubectl("drain", node, only, "--force", "--timeout=90s")
    finally:
        await scene.kubectl("uncordon", node)


def _on_control_plane(scene: Scene) -> StepPlan:
    tolerations = [{"key": CONTROL, "operator": "Exists", "effect": "NoSchedule"}]
    spec = {"nodeSelector": {CONTROL: ""}, "tolerations": tolerations}
    return scene.plan(TRAPPED, spec={**spec, "terminationGracePeriodSeconds": 2})


@asynccontextmanager
async def _image_there(scene: Scene) -> AsyncIterator[None]:
    """Bring the small image to the control plane's node, which needs none otherwise."""
    node = await scene.kubectl("get", "nodes", "-l", CONTROL, "-o", "name")
    await asyncio.to_thread(_load_image, node.split("/")[-1].strip())
    yield


def _load_image(node: str) -> None:
    image = base_image()
    if f"docker.io/{image}" in images(node, "ls", "-q").split():
        return
    docker = shutil.which("docker") or "docker"
    saved = subprocess.run([docker, "save", image], capture_output=True, check=True)
    into = ("ctr", "-n", "k8s.io", "images", "import", "-")
    subprocess.run(
        [docker, "exec", "-i", node, *into], input=saved.stdout, capture_output=True, check=True
    )


async def _taint(scene: Scene) -> None:
    """Taint the control plane's node NoExecute, after all other pods there tolerate it."""
    await scene.until_running()
    (node,) = {pod["spec"]["nodeName"] for pod in scene.pods()}
    await _let_others_stay(scene, node)
    await scene.kubectl("taint", "node", node, f"{TAINT}=now:NoExecute")
    try:
        await scene.until_over()
    finally:
        await scene.kubectl("taint", "node", node, f"{TAINT}=now:NoExecute-")


async def _let_others_stay(scene: Scene, node: str) -> None:
    found = json.loads(
        await scene.kubectl("get", "pods", "-A", f"--field-selector=spec.nodeName={node}", "-ojson")
    )
    tolerated = {"key": TAINT, "operator": "Exists", "effect": "NoExecute"}
    for pod in found["items"]:
        have = pod["spec"].get("tolerations") or []
        stays = any(
            each.get("key") in {None, TAINT} and each.get("effect") in {None, "NoExecute"}
            for each in have
        )
        if stays or CAUSE_LABEL in (pod["metadata"].get("labels") or {}):
            continue
        patch = json.dumps({"spec": {"tolerations": [*have, tolerated]}})
        place = ("-n", pod["metadata"]["namespace"])
        await scene.kubectl(*place, "patch", "pod", pod["metadata"]["name"], "-p", patch)


async def _docker(*arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        "docker", *arguments, stdout=asyncio.subprocess.DEVNULL
    )
    if code := await process.wait():
        message = f"docker {' '.join(arguments)} ended with {code}"
        raise RuntimeError(message)


async def _stop_kubelet(scene: Scene) -> None:
    """Stop the kubelet under all of them, until each was judged; their containers live on."""
    await scene.until_running()
    node = victim(scene)
    await asyncio.to_thread(on_node, node, "systemctl", "stop", "kubelet")
    try:
        await scene.until_over()
    finally:
        await asyncio.to_thread(on_node, node, "systemctl", "start", "kubelet")
        await _until_ready(scene, node)


async def _pause_node(scene: Scene) -> None:
    """Freeze the whole node, as a machine that hangs: kubelet, containers, network."""
    await scene.until_running()
    node = victim(scene)
    await _docker("pause", node)
    try:
        await scene.until_over()
    finally:
        await _docker("unpause", node)
        await _until_ready(scene, node)


async def _crash_node(scene: Scene) -> None:
    """Kill the steps' containers while kubelet and runtime are away, as a node's crash does.

    What else runs on the node is left alone: its shims outlive the runtime.
    """
    await scene.until_running()
    node = victim(scene)
    uids = [str(pod["metadata"]["uid"]).replace("-", "_") for pod in scene.pods()]
    label = f"{CAUSE_LABEL}={scene.slug}"
    pods = await asyncio.to_thread(on_node, node, "crictl", "pods", "-q", "--label", label)
    await asyncio.to_thread(on_node, node, "systemctl", "stop", "kubelet", "containerd")
    try:
        script = ("sh", "-c", KILL, "kill", *pods.split(), "--", *uids)
        await asyncio.to_thread(on_node, node, *script, seconds=120)
    finally:
        await asyncio.to_thread(on_node, node, "systemctl", "start", "containerd", "kubelet")
        await _until_ready(scene, node)
    await scene.until_over()


@asynccontextmanager
async def _ghost(scene: Scene) -> AsyncIterator[None]:
    """Make a node without a kubelet: its object can be deleted and nobody else suffers."""
    with ghost_node(scene.place) as node:
        scene.node = node
        yield


def _on_ghost(scene: Scene) -> StepPlan:
    return scene.plan(spec=on_ghost(scene.node))


async def _delete_node(scene: Scene) -> None:
    await scene.until_placed()
    for name in scene.names():
        await say_state(scene.home, name, "Running", {"running": {"startedAt": now()}})
    await scene.kubectl("delete", "node", scene.node)


async def _until_ready(scene: Scene, node: str) -> None:
    """Wait until the node is well again and nothing keeps pods away from it."""
    wait = ("wait", "--for=condition=Ready", f"node/{node}", "--timeout=120s")
    await scene.kubectl(*wait, seconds=130)


KILL: Final = """
while [ "$1" != -- ]; do pgrep -f "shim-runc-v2 .*-id $1" | xargs -r kill -9; shift; done
shift
folder=/sys/fs/cgroup/memory
[ -d $folder ] || folder=/sys/fs/cgroup
for uid; do
    find $folder -path "*pod$uid*" -name cgroup.procs -exec cat {} + | xargs -r kill -9
done
"""
"""For the pods' sandboxes their shims, then, by the pods' uids, all that is in their cgroups."""

KUBELET: Final = "one stopped kubelet under all steps of a round"
CAUSES: Final = (
    Cause(
        "node deleted (an object without a kubelet)",
        Verdict.NODE_LOST,
        _on_ghost,
        _delete_node,
        setting=_ghost,
        shared="one deleted node of all steps of a round",
    ),
    Cause("evicted by the Eviction API", Verdict.DRAINED, _there, _evict),
    Cause(
        "kubectl drain",
        Verdict.DRAINED,
        _there,
        _drain,
        shared="one drain of the node of all steps of a round",
        alone=True,
    ),
    Cause(
        "node tainted NoExecute",
        Verdict.DRAINED,
        _on_control_plane,
        _taint,
        setting=_image_there,
        shared="one taint on the node of all steps of a round",
        alone=True,
    ),
    Cause("kubelet stopped", Verdict.NODE_LOST, _there, _stop_kubelet, shared=KUBELET, alone=True),
    Cause(
        "node frozen",
        Verdict.NODE_LOST,
        _there,
        _pause_node,
        shared="one frozen node under all steps of a round",
        alone=True,
    ),
    Cause(
        "node came back without its containers",
        Verdict.NODE_LOST,
        _there,
        _crash_node,
        shared="one crash for all steps of a round",
        alone=True,
    ),
)
"""Each is done to a node or by one."""
