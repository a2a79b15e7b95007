"""Look at the cluster that `make cluster` started: nodes, names, services, volumes."""

from __future__ import annotations

import json
import subprocess
import uuid
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.kind.scripts import KIND

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.cluster

STATE: Final = KIND.parents[1] / "build" / "kind"


def kubectl(*arguments: str, document: dict[str, Any] | None = None) -> str:
    """Run kubectl against the cluster; fail with what it said."""
    ended = subprocess.run(
        [str(STATE / "bin" / "kubectl"), "--kubeconfig", str(STATE / "kubeconfig"), *arguments],
        input=json.dumps(document) if document else None,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(name="namespace")
def _namespace() -> Iterator[str]:
    name = f"kind-test-{uuid.uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(name="image", scope="session")
def _image() -> str:
    """Return the jobs' base image, with a shell and Python, loaded into the nodes."""
    name = (STATE / "base.image").read_text().strip()
    load = [str(STATE / "bin" / "kind"), "load", "docker-image", name, "--name", "stationmaster"]
    subprocess.run(load, check=True, capture_output=True)
    return name


def run_pod(namespace: str, image: str, node: str, command: str, claim: str | None = None) -> str:
    """Run a shell command in a pod on a node, with a claim's volume at /data; return its output."""
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}] if claim else []
    mounts = [{"name": "data", "mountPath": "/data"}] if claim else []
    container = {"name": "shell", "image": image, "command": ["/bin/sh", "-ec", command]}
    name = f"pod-{uuid.uuid4().hex[:8]}"
    spec = {
        "restartPolicy": "Never",
        "nodeSelector": {"kubernetes.io/hostname": node},
        "volumes": volumes,
        "containers": [container | {"volumeMounts": mounts}],
    }
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
    kubectl("-n", namespace, "apply", "-f", "-", document=pod)
    succeeded = "--for=jsonpath={.status.phase}=Succeeded"
    kubectl("-n", namespace, "wait", succeeded, f"pod/{name}", "--timeout=120s")
    return kubectl("-n", namespace, "logs", name)


def test_three_nodes_are_ready() -> None:
    """Promise a control plane and two workers, of one version."""
    nodes = json.loads(kubectl("get", "nodes", "-l", "!kwok.x-k8s.io/node", "-o", "json"))["items"]
    ready = [
        condition["status"]
        for node in nodes
        for condition in node["status"]["conditions"]
        if condition["type"] == "Ready"
    ]
    assert ready == ["True"] * 3
    assert len({node["status"]["nodeInfo"]["kubeletVersion"] for node in nodes}) == 1


def test_a_volume_keeps_what_a_pod_wrote(namespace: str, image: str) -> None:
    """Promise that a claim which names no class is bound, and read again by the next pod."""
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "kept"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Mi"}},
        },
    }
    kubectl("-n", namespace, "apply", "-f", "-", document=claim)
    run_pod(namespace, image, "stationmaster-worker", "echo kept > /data/word", "kept")
    assert run_pod(namespace, image, "stationmaster-worker", "cat /data/word", "kept") == "kept\n"


@pytest.mark.parametrize("node", ["stationmaster-worker", "stationmaster-worker2"])
def test_a_pod_reaches_a_service_by_name(namespace: str, image: str, node: str) -> None:
    """Promise names and services from pods of each worker: the API server answers to its name."""
    ask = "import socket; socket.create_connection(('kubernetes.default.svc', 443), 10)"
    said = run_pod(namespace, image, node, f'python3 -c "{ask}" && echo reached')
    assert said == "reached\n"


@pytest.mark.parametrize("node", ["stationmaster-worker", "stationmaster-worker2"])
def test_a_pod_asks_dockers_name_server(namespace: str, image: str, node: str) -> None:
    """Promise that names outside the cluster are asked of the machine: a node has one."""
    ask = "import socket; print(socket.gethostbyname('stationmaster-control-plane'))"
    said = run_pod(namespace, image, node, f'python3 -c "{ask}"')
    assert said.count(".") == 3


def test_a_second_call_changes_nothing() -> None:
    """Promise that `cluster up` on a running cluster ends well and leaves its nodes alone."""
    names = ("get", "nodes", "-o", "custom-columns=U:.metadata.uid", "--no-headers")
    before = kubectl(*names)
    subprocess.run([str(KIND / "cluster"), "up"], check=True, capture_output=True)
    assert kubectl(*names) == before
