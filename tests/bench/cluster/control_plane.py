"""A control plane of processes, without nodes: etcd, API server, scheduler, and KWOK as kubelet.

The programs are those that `make cluster` builds (k8s/kind), or a folder's given by CONTROL_PLANE.
It stands beside any cluster, needs no containers, and is gone when the block ends.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.cluster.place import ROOT

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["ControlPlane", "free_port", "program"]

NODE_LABEL = "kwok.x-k8s.io/node"
# No controller makes service accounts here, nor takes a new node's taint off.
WITHOUT_ADMISSION = ("ServiceAccount", "TaintNodesByCondition")
CACHE = Path(os.environ.get("STATIONMASTER_CACHE", str(Path.home() / ".cache/stationmaster")))
READY_SECONDS = 120.0


class ControlPlane:
    """Run one; a context manager. Its processes are in `processes`, by their programs' names."""

    without_admission: tuple[str, ...] = WITHOUT_ADMISSION
    kwok_nodes = f"{NODE_LABEL}=simulated"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kubeconfig = folder / "kubeconfig"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._open = ExitStack()
        self._token = secrets.token_urlsafe(24)
        self._port = free_port()

    def __enter__(self) -> Self:
        """Start all of it, and return when the API server is ready."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write_files()
        etcd = self._start_etcd()
        self._start_api_server(etcd)
        self._wait_until_ready()
        self._start_scheduler()
        self._start_kwok()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in reversed(self.processes.values()):
            process.kill()  # nothing in it outlives the folder
            process.wait()
        self._open.close()

    def kubectl(self, *arguments: str, text: str | None = None) -> str:
        """Run kubectl on it and return what it printed."""
        command = [str(program("kubectl")), f"--kubeconfig={self.kubeconfig}", *arguments]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
        return done.stdout

    def add_nodes(self, count: int) -> None:
        """Add simulated nodes with room for 250 pods each, which only those come to that ask."""
        room = {"cpu": "64", "memory": "512Gi", "pods": "250"}
        nodes = [
            {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {
                    "name": f"simulated-{number}",
                    "labels": {NODE_LABEL: "simulated", "type": "kwok"},
                },
                "spec": {
                    "taints": [{"key": NODE_LABEL, "value": "simulated", "effect": "NoSchedule"}]
                },
                "status": {"allocatable": room, "capacity": room},
            }
            for number in range(count)
        ]
        items = {"apiVersion": "v1", "kind": "List", "items": nodes}
        self.kubectl("apply", "-f", "-", text=json.dumps(items))
        chosen = f"{NODE_LABEL}=simulated"
        self.kubectl("wait", "--for=condition=Ready", "--timeout=60s", "nodes", "-l", chosen)

    def _write_files(self) -> None:
        (self.folder / "tokens.csv").write_text(
            f'{self._token},bench,bench,"system:masters"\n', encoding="utf-8"
        )
        key = self.folder / "accounts.key"
        subprocess.run(
            ["openssl", "genrsa", "-out", str(key), "2048"],  # noqa: S607 (of the system)
            check=True,
            capture_output=True,
        )
        document: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "bench",
                    "cluster": {"server": self._url, "insecure-skip-tls-verify": True},
                }
            ],
            "users": [{"name": "bench", "user": {"token": self._token}}],
            "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}],
            "current-context": "bench",
        }
        self.kubeconfig.write_text(json.dumps(document), encoding="utf-8")

    @property
    def _url(self) -> str:
        return f"https://127.0.0.1:{self._port}"

    def _start_etcd(self) -> str:
        client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self._start(
            "etcd",
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync=true",
        )
        return client

    def _start_api_server(self, etcd: str) -> None:
        key = self.folder / "accounts.key"
        self._start(
            "kube-apiserver",
            f"--etcd-servers={etcd}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self._port}",
            f"--cert-dir={self.folder / 'certificates'}",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            f"--disable-admission-plugins={','.join(self.without_admission)}",
            "--service-cluster-ip-range=10.0.0.0/24",
        )

    def _start_scheduler(self) -> None:
        self._start(
            "kube-scheduler",
            f"--kubeconfig={self.kubeconfig}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={free_port()}",
        )

    def _start_kwok(self) -> None:
        files = program("kwok").parent / "files"
        self.kubectl("apply", "--server-side", "-f", str(files / "kwok.x-k8s.io_stages.yaml"))
        self.kubectl(
            "wait", "--for=condition=Established", "--timeout=60s", "crd/stages.kwok.x-k8s.io"
        )
        stages = [ROOT / "k8s" / "kind" / "kwok" / "step-done.yaml"]
        names = ("pod-ready", "pod-delete", "node-initialize", "node-heartbeat-with-lease")
        for stage in [*stages, *(files / f"{name}.yaml" for name in names)]:
            self.kubectl("apply", "--server-side", "-f", str(stage))
        self._start(
            "kwok",
            f"--kubeconfig={self.kubeconfig}",
            "--manage-all-nodes=false",
            f"--manage-nodes-with-label-selector={self.kwok_nodes}",
            "--enable-crds=Stage",
            "--node-lease-duration-seconds=40",
            "-v",
            "WARN",
        )

    def _start(self, name: str, *arguments: str, **variables: str) -> None:
        log = self._open.enter_context((self.folder / f"{name}.log").open("wb"))
        self.processes[name] = subprocess.Popen(
            [str(program(name)), *arguments],
            stdout=log,
            stderr=log,
            cwd=self.folder,
            env={**os.environ, **variables},
        )

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + READY_SECONDS
        while True:
            try:
                self.kubectl("get", "--raw", "/readyz")
            except subprocess.CalledProcessError as error:
                if time.monotonic() > until:
                    message = f"expected an API server at {self._url}, got {error.stderr}"
                    raise RuntimeError(message) from error
            else:
                return
            time.sleep(0.5)


def program(name: str) -> Path:
    """Return a program of `make cluster`'s cache, the newest one."""
    given = os.environ.get("CONTROL_PLANE")
    places = [Path(given) / name] if given else list(CACHE.glob(f"go/*/{name}"))
    found = sorted((each for each in places if each.is_file()), key=lambda it: it.stat().st_mtime)
    if not found:
        message = f"expected {name} in {given or CACHE / 'go'}, found none: make cluster KWOK=1"
        raise FileNotFoundError(message)
    return found[-1]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
