"""A control plane whose nodes Karpenter buys and removes: real decisions, simulated machines.

Karpenter is the released controller with its KWOK provider, as `make cluster KARPENTER=1` builds
it; NodePools, boot time and instance types are those of k8s/kind/karpenter.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING, Any, Self

import yaml

from stationmaster.ledger.cost.prices import SHIPPED_PRICES
from tests.bench.cluster.control_plane import NODE_LABEL, ControlPlane, free_port, program
from tests.cluster.place import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["KarpenterPlane", "with_cores"]

FILES = ROOT / "k8s" / "kind" / "karpenter"
CORES_LABEL = "karpenter.k8s.aws/instance-cpu"
NOT_KARPENTERS = [
    {
        "op": "add",
        "path": "/spec/selector/matchExpressions/-",
        "value": {"key": '.metadata.labels["karpenter.sh/nodepool"]', "operator": "DoesNotExist"},
    }
]
"""What keeps KWOK's own stage, which boots a node in no time, off Karpenter's nodes."""


def with_cores(pool: str, cores: Sequence[int]) -> dict[str, Any]:
    """Return the merge patch after which a NodePool buys machines of these numbers of cores."""
    documents = yaml.safe_load_all((FILES / "nodes.yaml").read_text(encoding="utf-8"))
    [found] = [each for each in documents if each["metadata"]["name"] == pool]
    requirements = found["spec"]["template"]["spec"]["requirements"]
    for each in requirements:
        if each["key"] == CORES_LABEL:
            each["values"] = [str(number) for number in cores]
    return {"spec": {"template": {"spec": {"requirements": requirements}}}}


class KarpenterPlane(ControlPlane):
    """Run a control plane with Karpenter; a context manager.

    Args:
        folder: For the files of its processes.
        changes: Merge patches of NodePools, by their names.
    """

    # New nodes keep the taint that they are not ready, until the boot's stage takes it off.
    without_admission: tuple[str, ...] = ("ServiceAccount",)
    kwok_nodes = f"{NODE_LABEL} in (simulated,fake)"

    def __init__(self, folder: Path, changes: dict[str, dict[str, Any]] | None = None) -> None:
        super().__init__(folder)
        self._changes = changes or {}

    def __enter__(self) -> Self:
        """Start all of it; no node is there until a pod asks for one."""
        super().__enter__()
        change = ("--type=json", "-p", json.dumps(NOT_KARPENTERS))
        self.kubectl("patch", "stage", "node-initialize", *change)
        definitions = program("karpenter-kwok").parent / "files"
        self.kubectl("apply", "--server-side", "-f", str(definitions))
        self.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
        for name in ("node-boots.yaml", "step-stopped.yaml", "nodes.yaml"):
            self.kubectl("apply", "--server-side", "-f", str(FILES / name))
        for pool, patch in self._changes.items():
            self.kubectl("patch", "nodepool", pool, "--type=merge", "-p", json.dumps(patch))
        self._start_karpenter()
        return self

    def items(self, path: str) -> list[dict[str, Any]]:
        """Return the objects at a path of the API."""
        config = json.loads(self.kubeconfig.read_text(encoding="utf-8"))
        server, token = config["clusters"][0]["cluster"]["server"], config["users"][0]["user"]
        request = urllib.request.Request(  # noqa: S310 (our own API server)
            f"{server}{path}", headers={"Authorization": f"Bearer {token['token']}"}
        )
        unverified = ssl._create_unverified_context()  # noqa: S323, SLF001 (the same)
        with urllib.request.urlopen(request, timeout=30, context=unverified) as answer:  # noqa: S310
            found: list[dict[str, Any]] = json.load(answer)["items"]
        return found

    def _start_karpenter(self) -> None:
        types = self.folder / "instance-types.json"
        with types.open("wb") as out:
            command = [sys.executable, str(FILES / "instance_types.py"), str(SHIPPED_PRICES)]
            subprocess.run(command, stdout=out, check=True)
        self._start(
            "karpenter-kwok",
            KUBECONFIG=str(self.kubeconfig),
            SYSTEM_NAMESPACE="kube-system",
            DISABLE_LEADER_ELECTION="true",
            METRICS_PORT=str(free_port()),
            HEALTH_PROBE_PORT=str(free_port()),
            INSTANCE_TYPES_FILE_PATH=str(types),
        )
