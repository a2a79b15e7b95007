"""Hold the lists of versions equal, and every sum checked in."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.kind.scripts import KIND, version_pins

if TYPE_CHECKING:
    from pathlib import Path

MODULES = {
    "kubernetes": "k8s.io/kubernetes",
    "containerd": "github.com/containerd/containerd/v2",
    "cri-tools": "sigs.k8s.io/cri-tools",
    "etcd": "go.etcd.io/etcd/server/v3",
    "coredns": "github.com/coredns/coredns",
    "cni": "github.com/containernetworking/plugins",
    "local-path": "github.com/rancher/local-path-provisioner",
    "kind": "sigs.k8s.io/kind",
    "helm": "helm.sh/helm/v4",
    "kwok": "sigs.k8s.io/kwok",
    "karpenter": "sigs.k8s.io/karpenter",
    "metrics-server": "sigs.k8s.io/metrics-server",
}
OWN = {"capstrip", "pause"}


def go_mod(module: str) -> str:
    """Return a module's go.mod."""
    return (KIND / "modules" / module / "go.mod").read_text()


def test_every_module_is_known_here() -> None:
    """Promise that no module escapes these tests."""
    assert {path.name for path in (KIND / "modules").iterdir()} == set(MODULES) | OWN


@pytest.mark.parametrize("module", MODULES)
def test_a_modules_version_is_the_pinned_one(module: str) -> None:
    """Promise that versions.env says what is really built."""
    pinned = version_pins()[module.upper().replace("-", "_") + "_VERSION"]
    required = re.findall(
        rf"^(?:require|)\s*{re.escape(MODULES[module])} (\S+)", go_mod(module), re.MULTILINE
    )
    assert required == [pinned]


@pytest.mark.parametrize("module", MODULES)
def test_a_modules_sum_is_checked_in(module: str) -> None:
    """Promise that a changed download is refused: the sum of the module itself is there."""
    pinned = version_pins()[module.upper().replace("-", "_") + "_VERSION"]
    sums = (KIND / "modules" / module / "go.sum").read_text()
    assert f"{MODULES[module]} {pinned} h1:" in sums


def test_kubernetes_parts_are_of_one_release() -> None:
    """Promise that each part of Kubernetes is replaced by the release's own."""
    minor = version_pins()["KUBERNETES_VERSION"].removeprefix("v1.")
    replaced = re.findall(r"^\s(k8s\.io/\S+) => (\S+) (\S+)$", go_mod("kubernetes"), re.MULTILINE)
    assert len(replaced) > 25
    assert {(name, f"v0.{minor}") for name, _, _ in replaced} == {
        (name, version) for _, name, version in replaced
    }


def test_the_pulled_node_is_of_the_built_minor_version() -> None:
    """Promise the same Kubernetes whether nodes are pulled or built, and a pulled one by digest."""
    pins = version_pins()
    minor = pins["KUBERNETES_VERSION"].rsplit(".", 1)[0]
    assert re.fullmatch(
        rf"kindest/node:{re.escape(minor)}\.\d+@sha256:[0-9a-f]{{64}}", pins["PULLED_NODE_IMAGE"]
    )


def test_no_version_is_pinned_in_vain() -> None:
    """Promise that each pin of versions.env is used by a script."""
    scripts = "".join(path.read_text() for path in sorted(KIND.glob("lib/*.sh")))
    unused = [
        name
        for name in version_pins()
        if f"${name}" not in scripts
        and f"${{{name}" not in scripts
        and name.removesuffix("_VERSION").lower().replace("_", "-") not in MODULES
    ]
    assert unused == []


def test_nothing_names_a_host_or_folder_of_one_machine() -> None:
    """Promise files that work anywhere: no home folder and no proxy in any of them."""
    files = [path for path in KIND.rglob("*") if path.is_file() and path.suffix != ".sum"]
    found = [path.name for path in files if re.search(r"/root/|/home/|/work/", path.read_text())]
    assert files
    assert found == []


@pytest.mark.parametrize(
    "script",
    [KIND / "cluster", *sorted(KIND.glob("lib/*.sh")), *sorted((KIND / "node" / "bin").iterdir())],
    ids=lambda path: path.name,
)
def test_a_script_parses(script: Path) -> None:
    """Promise that the shell understands each script."""
    parsed = subprocess.run(
        ["bash", "-n", str(script)],  # noqa: S607 (the shell that the scripts name)
        capture_output=True,
        text=True,
        check=False,
    )
    assert (parsed.returncode, parsed.stderr) == (0, "")
