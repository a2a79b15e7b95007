"""The cluster's nodes from outside: kind's nodes are containers, their processes can be hit."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.cluster.place import Place

__all__ = ["Process", "container_process", "family", "images", "on_node", "signal", "workers"]


@dataclass(frozen=True)
class Process:
    """Name a process by its node and its number there."""

    node: str
    pid: int
    command: str = ""


def on_node(node: str, *command: str, seconds: float = 60) -> str:
    """Run a command on a node and return what it printed.

    Raises:
        subprocess.CalledProcessError: It failed.
    """
    done = subprocess.run(
        [shutil.which("docker") or "docker", "exec", node, *command],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    if done.returncode:
        error = subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
        error.add_note(f"on {node}: {done.stderr[-1000:]}")
        raise error
    return done.stdout


def workers(place: Place) -> list[str]:
    """Return the names of the nodes that run pods."""
    nodes = place.get("nodes")["items"]
    control = "node-role.kubernetes.io/control-plane"
    return sorted(
        node["metadata"]["name"]
        for node in nodes
        if control not in node["metadata"]["labels"]
        and node["metadata"].get("annotations", {}).get("kwok.x-k8s.io/node") != "fake"
    )


def container_process(pod: dict[str, Any], container: str | None = None) -> Process:
    """Return the first process of a pod's container."""
    statuses = pod["status"]["containerStatuses"]
    chosen = next((each for each in statuses if each["name"] == container), statuses[0])
    name = str(chosen["containerID"]).removeprefix("containerd://")
    node = str(pod["spec"]["nodeName"])
    found = json.loads(on_node(node, "crictl", "inspect", name))
    return Process(node, int(found["info"]["pid"]), chosen["name"])


def family(process: Process) -> list[Process]:
    """Return a process and all its descendants, with their commands."""
    listed = on_node(process.node, "ps", "-ww", "-eo", "pid,ppid,args").splitlines()[1:]
    rows = [line.split(None, 2) for line in listed]
    parents = {int(row[0]): int(row[1]) for row in rows}
    commands = {int(row[0]): row[2] if len(row) > 2 else "" for row in rows}
    members = {process.pid}
    while True:
        more = {pid for pid, parent in parents.items() if parent in members} - members
        if not more:
            break
        members |= more
    return [Process(process.node, pid, commands.get(pid, "")) for pid in sorted(members)]


def signal(process: Process, name: str) -> None:
    """Send a signal to a process on its node."""
    on_node(process.node, "kill", f"-{name}", str(process.pid))


def images(node: str, *command: str) -> str:
    """Run `ctr images …` in Kubernetes' namespace of a node."""
    return on_node(node, "ctr", "-n", "k8s.io", "images", *command)
