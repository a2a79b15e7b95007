"""What the drill does to the platform and to its steps; each fault heals itself.

A fault is a function of the cluster and a random source. It breaks something, waits as long as
the thing is to be broken, mends what does not mend by itself, and returns one sentence of what
it hit.
"""

from __future__ import annotations

import contextlib
import subprocess
import time
from typing import TYPE_CHECKING, Final, Protocol

from tests.cluster.nodes import Process, container_process, family, images, on_node, signal, workers

if TYPE_CHECKING:
    import random

    from tests.cluster.place import Place

__all__ = ["FAULTS", "PLANNED", "Fault", "NothingToHitError", "repair"]

STEPS: Final = "stationmaster.io/pipeline=drill_30"
STOPPED_SECONDS: Final = 40.0
CUT_SECONDS: Final = 30.0
KUBELET_SECONDS: Final = 95.0
"""Longer than the 40 s grace of the node controller and the 20 s that a step tolerates."""
IMAGE_SECONDS: Final = 12.0
LAUNCHER: Final = "launcher"


class Fault(Protocol):
    """Break something on the cluster, mend it, and say what was hit."""

    def __call__(self, place: Place, rng: random.Random) -> str:
        """Raise NothingToHitError where there is nothing to hit just now."""


class NothingToHitError(RuntimeError):
    """What the fault would hit is not there just now."""


def _one(place: Place, component: str, rng: random.Random) -> Process:
    pods = place.component(component)
    if not pods:
        message = f"no running pod of {component}"
        raise NothingToHitError(message)
    return container_process(rng.choice(pods), component)


def _launcher(place: Place, rng: random.Random) -> Process:
    found = [
        each
        for each in family(_one(place, "scheduler", rng))
        if LAUNCHER in each.command and "grep" not in each.command
    ]
    if not found:
        message = "no launcher in the scheduler's container"
        raise NothingToHitError(message)
    return found[0]


def _victim(place: Place, rng: random.Random, name: str) -> Process:
    return _launcher(place, rng) if name == LAUNCHER else _one(place, name, rng)


def _kill(name: str) -> Fault:
    def fault(place: Place, rng: random.Random) -> str:
        victim = _victim(place, rng, name)
        signal(victim, "KILL")
        return f"kill -9 {victim.pid} on {victim.node}"

    return fault


def _stop(name: str, seconds: float = STOPPED_SECONDS) -> Fault:
    def fault(place: Place, rng: random.Random) -> str:
        victim = _victim(place, rng, name)
        signal(victim, "STOP")
        try:
            time.sleep(seconds)
        finally:
            with contextlib.suppress(subprocess.CalledProcessError):  # a probe may have ended it
                signal(victim, "CONT")
        return f"SIGSTOP of {victim.pid} on {victim.node} for {seconds:.0f} s"

    return fault


def _restart_api_server(place: Place, rng: random.Random) -> str:
    del rng
    pods = place.pods("component=kube-apiserver", "kube-system")
    victim = container_process(pods[0])
    signal(victim, "KILL")
    return f"kill -9 of kube-apiserver on {victim.node}"


def _delete_step_pod(place: Place, rng: random.Random) -> str:
    pods = [
        pod
        for pod in place.pods(STEPS, place.steps_namespace)
        if pod["status"].get("phase") in {"Pending", "Running"}
        and "deletionTimestamp" not in pod["metadata"]
    ]
    if not pods:
        message = "no step's pod is there"
        raise NothingToHitError(message)
    name = str(rng.choice(pods)["metadata"]["name"])
    force = ["--grace-period=0", "--force"] if rng.random() < 0.5 else ["--grace-period=2"]
    place.kubectl("delete", "pod", name, "-n", place.steps_namespace, "--wait=false", *force)
    return f"deleted {name} {' '.join(force)}"


def _drain(place: Place, rng: random.Random) -> str:
    node = rng.choice(workers(place))
    try:
        place.kubectl(
            "drain",
            node,
            f"--pod-selector={STEPS}",
            "--force",
            "--ignore-daemonsets",
            "--delete-emptydir-data",
            "--grace-period=2",
            "--timeout=25s",
            seconds=60,
        )
    except subprocess.CalledProcessError as error:
        note = " ".join(getattr(error, "__notes__", [""])[0].split())[-120:]
        outcome = f"; it did not end in 25 s: {note}"
    else:
        outcome = ""
    finally:
        place.kubectl("uncordon", node)
    return f"drained {node} of its steps{outcome}"


def _stop_kubelet(place: Place, rng: random.Random) -> str:
    """Stop a kubelet for less than the 300 s after which the platform's own pods would be evicted.

    Their containers run on; what is behind a Service there is unreachable meanwhile.
    """
    busy = {
        str(pod["spec"].get("nodeName", ""))
        for pod in place.pods(STEPS, place.steps_namespace)
        if pod["status"].get("phase") == "Running"
    }
    nodes = workers(place)
    node = rng.choice([node for node in nodes if node in busy] or nodes)
    on_node(node, "systemctl", "stop", "kubelet")
    try:
        time.sleep(KUBELET_SECONDS)
    finally:
        on_node(node, "systemctl", "start", "kubelet")
    return f"kubelet of {node} away for {KUBELET_SECONDS:.0f} s"


def _image_missing(place: Place, rng: random.Random) -> str:
    del rng
    image = str(place.catalog["drill-a"]["image"])
    full = f"docker.io/{image}" if image.count("/") < 2 else image
    nodes = workers(place)
    for node in nodes:
        images(node, "tag", "--force", full, f"{full}-kept")
        images(node, "rm", full)
    try:
        time.sleep(IMAGE_SECONDS)
    finally:
        for node in nodes:
            images(node, "tag", "--force", f"{full}-kept", full)
    return f"{image} away from {len(nodes)} nodes for {IMAGE_SECONDS:.0f} s"


def _cut_network(place: Place, rng: random.Random) -> str:
    pods = place.component("scheduler")
    if not pods:
        message = "no running scheduler"
        raise NothingToHitError(message)
    pod = rng.choice(pods)
    node, address = str(pod["spec"]["nodeName"]), str(pod["status"]["podIP"])
    rule = ["-s", address, "-p", "tcp", "--dport", "6443", "-j", "DROP"]
    on_node(node, "iptables", "-I", "FORWARD", *rule)
    try:
        time.sleep(CUT_SECONDS)
    finally:
        on_node(node, "iptables", "-D", "FORWARD", *rule)
    return f"{address} on {node} could not reach the API server for {CUT_SECONDS:.0f} s"


def _planned(place: Place, rng: random.Random) -> str:
    del place, rng
    return "asked of the run itself"


PLANNED: Final = {"oom": "eat", "long-log-lines": "lines"}
"""Faults that the steps do to themselves, and the run's parameter that names the steps."""

FAULTS: Final[dict[str, Fault]] = {
    **{
        f"kill-{name}": _kill(name)
        for name in (
            "scheduler",
            LAUNCHER,
            "triggerer",
            "api-server",
            "dag-processor",
            "postgres",
            "seaweedfs",
        )
    },
    **{
        f"stop-{name}": _stop(name)
        for name in (
            "scheduler",
            LAUNCHER,
            "triggerer",
            "api-server",
            "dag-processor",
            "postgres",
            "seaweedfs",
        )
    },
    "restart-kube-apiserver": _restart_api_server,
    "delete-step-pod": _delete_step_pod,
    "drain-node": _drain,
    "stop-kubelet": _stop_kubelet,
    "image-missing": _image_missing,
    "cut-network": _cut_network,
    **dict.fromkeys(PLANNED, _planned),
}
"""Every kind of fault, by name."""


def repair(place: Place, *, seconds: float = 300) -> list[str]:
    """Mend whatever a fault may have left; wait until the platform is well again.

    Returns what is still not well after that time.
    """
    for node in workers(place):
        with contextlib.suppress(subprocess.CalledProcessError):
            on_node(node, "systemctl", "start", "kubelet")
    until = time.monotonic() + seconds
    while True:
        ill = _ill(place)
        if not ill or time.monotonic() > until:
            return ill
        time.sleep(3)


def _ill(place: Place) -> list[str]:
    try:
        nodes = place.get("nodes")["items"]
        for node in nodes:
            if node["spec"].get("unschedulable"):
                place.kubectl("uncordon", node["metadata"]["name"])
        pods = place.get("pods", "-n", place.namespace)["items"]
    except (subprocess.SubprocessError, OSError) as error:
        return [f"the API server: {error}"]
    return [f"node {node['metadata']['name']}" for node in nodes if not _true(node, "Ready")] + [
        f"pod {pod['metadata']['name']}"
        for pod in pods
        if pod["status"].get("phase") not in {"Succeeded", "Failed"} and not _true(pod, "Ready")
    ]


def _true(thing: dict[str, object], kind: str) -> bool:
    status = thing["status"]
    conditions = status.get("conditions", []) if isinstance(status, dict) else []
    return any(each["type"] == kind and each["status"] == "True" for each in conditions)
