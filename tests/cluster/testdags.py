"""Put the tests' DAGs and jobs onto the release, as its users would put their own."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

from tests.cluster.nodes import images, workers
from tests.cluster.place import ROOT, tool

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.cluster.place import Place

__all__ = ["DRILL_IMAGE", "helm_upgrade", "install", "put_config_map"]

FOLDERS = ("tests/drill/dags", "tests/bench/cluster/dags")
DRILL_IMAGE = "docker.io/stationmaster/drill:1"
"""A second name of a job's image on each node: drills take it away without hurting others."""


def install(place: Place) -> None:
    """Bring DAGs, jobs, the drill's image and its step onto the cluster; safe to run again."""
    image = str(place.catalog["extract-web"]["image"])
    _name_drill_image(place, image)
    dags = [file for folder in FOLDERS for file in sorted((ROOT / folder).glob("*.py"))]
    put_config_map(place, place.namespace, "stationmaster-dags-extra", dags)
    step = ROOT / "tests" / "drill" / "step"
    files = [step / "drill_step.py", *sorted((step / "contracts").glob("*.yaml"))]
    put_config_map(place, place.steps_namespace, "stationmaster-drill", files)
    wanted = _jobs(image)
    if not wanted.keys() <= place.catalog.keys():
        helm_upgrade(place, {"jobs": wanted})
        place.__dict__.pop("catalog", None)


def put_config_map(place: Place, namespace: str, name: str, files: Iterable[Path]) -> None:
    """Make a ConfigMap of files, or bring it up to date."""
    document = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": {file.name: file.read_text(encoding="utf-8") for file in files},
    }
    place.kubectl(
        "apply", "--server-side", "--force-conflicts", "-f", "-", text=json.dumps(document)
    )


def _jobs(image: str) -> dict[str, Any]:
    repository, _, tag = DRILL_IMAGE.rpartition(":")
    common = {"owner": "drill", "size": "xs", "timeout_minutes": 10}
    drills: dict[str, Any] = {
        f"drill-{layer}": {
            **common,
            "image": {"repository": repository, "tag": tag},
            "summary": f"Publishes one row of layer {layer} of the drill.",
            "command": ["python", "/opt/drill/drill_step.py"],
            "outputs": [f"drill_{layer}"],
            "params": {"dataset": f"drill_{layer}"},
        }
        for layer in ("a", "b", "c")
    }
    repository, _, tag = image.rpartition(":")
    empty = {
        **common,
        "image": {"repository": repository, "tag": tag},
        "summary": "Does nothing.",
        "command": ["true"],
    }
    return {**drills, "empty-step": empty}


def _name_drill_image(place: Place, image: str) -> None:
    full = image if image.split("/", maxsplit=1)[0].count(".") else f"docker.io/{image}"
    for node in workers(place):
        images(node, "tag", "--force", full, DRILL_IMAGE)


def helm_upgrade(place: Place, values: dict[str, Any]) -> None:
    """Upgrade the release with values on top of those it has."""
    subprocess.run(
        [
            tool("helm"),
            f"--kubeconfig={place.kubeconfig}",
            "upgrade",
            place.release,
            str(ROOT / "charts" / "stationmaster"),
            f"--namespace={place.namespace}",
            "--reuse-values",
            "--values=-",
            "--wait",
            "--timeout=10m",
        ],
        input=json.dumps(values),
        text=True,
        check=True,
    )
