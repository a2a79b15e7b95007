"""Where the kind cluster and the release on it are, and how tests reach them."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

__all__ = ["NoClusterError", "Place", "tool"]

ROOT = Path(__file__).parents[2]
WORDS = ("certificate-authority-data", "client-certificate-data", "client-key-data")


def tool(name: str) -> str:
    """Return kubectl or helm: those of `make cluster`, else those on the path."""
    built = ROOT / "build" / "kind" / "bin" / name
    return str(built) if built.exists() else shutil.which(name) or name


class NoClusterError(RuntimeError):
    """There is no cluster, or no release on it: what to do stands in the message."""


@dataclass(frozen=True)
class Place:
    """Hold one cluster: its kubeconfig, the release's namespace, the steps' namespace."""

    kubeconfig: Path
    namespace: str = "stationmaster"
    steps_namespace: str = "stationmaster-steps"
    release: str = "stationmaster"

    @classmethod
    def find(cls) -> Place:
        """Return the kind cluster of this checkout.

        Raises:
            NoClusterError: It is not there or does not answer.
        """
        default = ROOT / "build" / "kind" / "kubeconfig"
        path = Path(os.environ.get("STATIONMASTER_KUBECONFIG", str(default)))
        if not path.is_file():
            message = f"expected the cluster's kubeconfig at {path}, got no such file: make cluster"
            raise NoClusterError(message)
        place = cls(path)
        try:
            place.kubectl("get", "--raw", "/readyz", seconds=20)
        except subprocess.SubprocessError as error:
            message = f"expected the cluster of {path} to answer, got {error}: make cluster"
            raise NoClusterError(message) from error
        return place

    def kubectl(self, *arguments: str, text: str | None = None, seconds: float = 120) -> str:
        """Run kubectl on the cluster and return what it printed.

        Raises:
            subprocess.CalledProcessError: It failed; its words are in the error's notes.
            subprocess.TimeoutExpired: It took longer than `seconds`.
        """
        program = tool("kubectl")
        try:
            done = subprocess.run(
                [program, f"--kubeconfig={self.kubeconfig}", *arguments],
                input=text,
                capture_output=True,
                text=True,
                timeout=seconds,
                check=True,
            )
        except subprocess.CalledProcessError as error:
            error.add_note(str(error.stderr)[-2000:])
            raise
        return done.stdout

    def get(self, *arguments: str) -> dict[str, Any]:
        """Return what `kubectl get` finds, as one document."""
        found = json.loads(self.kubectl("get", *arguments, "-o", "json"))
        return dict(found)

    def pods(self, selector: str, namespace: str | None = None) -> list[dict[str, Any]]:
        """Return the pods that a label selector finds, by default in the release's namespace."""
        return list(
            self.get("pods", "-n", namespace or self.namespace, "-l", selector).get("items", [])
        )

    def component(self, name: str) -> list[dict[str, Any]]:
        """Return the running pods of one part of the platform."""
        pods = self.pods(f"app.kubernetes.io/component={name}")
        return [
            pod
            for pod in pods
            if pod["status"].get("phase") == "Running"
            and "deletionTimestamp" not in pod["metadata"]
        ]

    @property
    def server(self) -> str:
        """Return the API server's URL."""
        return str(self._cluster["server"])

    @property
    def ca_file(self) -> str:
        """Return the file with the cluster's CA."""
        return str(self._files / WORDS[0])

    @property
    def client_cert(self) -> str:
        """Return the file with the administrator's certificate."""
        return str(self._files / WORDS[1])

    @property
    def client_key(self) -> str:
        """Return the file with the administrator's key."""
        return str(self._files / WORDS[2])

    @cached_property
    def catalog(self) -> dict[str, Any]:
        """Return the release's jobs by name, with the image of each."""
        for item in self.get("configmaps", "-n", self.namespace)["items"]:
            for text in (item.get("data") or {}).values():
                document = yaml.safe_load(text) if text.startswith("jobs:") else None
                if document:
                    return dict(document["jobs"])
        message = (
            f"expected the catalog of jobs in a ConfigMap of namespace {self.namespace}, got none: "
            "make deploy"
        )
        raise NoClusterError(message)

    @property
    def empty_image(self) -> str:
        """Return the image that empty steps and bare pods run: one that each node has."""
        named = os.environ.get("STATIONMASTER_EMPTY_IMAGE")
        return named or str(self.catalog["extract-web"]["image"])

    @cached_property
    def _document(self) -> dict[str, Any]:
        return dict(yaml.safe_load(self.kubeconfig.read_text(encoding="utf-8")))

    @property
    def _cluster(self) -> dict[str, Any]:
        return dict(self._document["clusters"][0]["cluster"])

    @cached_property
    def _folder(self) -> tempfile.TemporaryDirectory[str]:
        return tempfile.TemporaryDirectory(prefix="stationmaster-kube-")

    @cached_property
    def _files(self) -> Path:
        folder = Path(self._folder.name)
        words = {**self._cluster, **self._document["users"][0]["user"]}
        for word in WORDS:
            path = folder / word
            path.touch(mode=0o600)
            path.write_bytes(base64.b64decode(words[word]))
        return folder
