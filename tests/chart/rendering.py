"""Helm, as the chart's tests use it: render the chart, or hear why it will not."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import yaml

__all__ = ["CHART", "Object", "helm", "of_kind", "refusal", "render", "values_file"]

ROOT: Final = Path(__file__).parents[2]
CHART: Final = ROOT / "charts" / "stationmaster"
NAMESPACE: Final = "stationmaster"

Object = dict[str, Any]


def values_file(name: str) -> Path:
    """Return the chart's example values, those of `k8s/eks`, or the tests' own, by name."""
    if name == "eks-cluster":
        return ROOT / "k8s" / "eks" / "values.yaml"
    own = Path(__file__).parent / f"{name}-values.yaml"
    return own if own.is_file() else CHART / "ci" / f"{name}-values.yaml"


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run helm: $HELM, the one that `make cluster` built, or the one on PATH.

    Raises:
        FileNotFoundError: There is none.
    """
    built = ROOT / "build" / "kind" / "bin" / "helm"
    program = os.environ.get("HELM") or (str(built) if built.exists() else shutil.which("helm"))
    if not program:
        message = "helm: expected $HELM, build/kind/bin/helm (`make cluster`) or one on PATH"
        raise FileNotFoundError(message)
    return subprocess.run(
        [program, *arguments], check=False, capture_output=True, text=True, timeout=900
    )


def render(name: str, *arguments: str, namespace: str = NAMESPACE) -> list[Object]:
    """Return the objects of the release `stationmaster` with these values.

    Raises:
        AssertionError: Helm refused.
    """
    done = _template(name, *arguments, namespace=namespace)
    assert done.returncode == 0, done.stderr
    return [item for item in yaml.load_all(done.stdout, yaml.CSafeLoader) if item]


def refusal(name: str, *arguments: str) -> str:
    """Return what helm says against these values.

    Raises:
        AssertionError: It says nothing.
    """
    done = _template(name, *arguments, namespace=NAMESPACE)
    assert done.returncode != 0, "expected a refusal, got a rendered chart"
    return done.stderr


def of_kind(objects: list[Object], kind: str) -> dict[str, Object]:
    """Return the objects of a kind by name."""
    return {item["metadata"]["name"]: item for item in objects if item["kind"] == kind}


@functools.cache
def _template(name: str, *arguments: str, namespace: str) -> subprocess.CompletedProcess[str]:
    values = f"--values={values_file(name)}"
    place = f"--namespace={namespace}"
    return helm("template", "stationmaster", str(CHART), place, values, *arguments)
