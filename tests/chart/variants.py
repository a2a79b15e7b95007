"""The platform's image as it was, and as it will be: with another Airflow, with a newer ledger."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Final

from k8s.images.docker import build, certificates, client, find_base, forget_old, inspect
from k8s.images.load import kind_nodes, load
from tests.chart.rendering import ROOT

__all__ = ["airflow_image", "newer_ledger_image", "platform_image"]

FOLDER: Final = Path(__file__).parent / "images"
REPOSITORY: Final = "stationmaster/chart-drill"
CLUSTER: Final = "stationmaster"


def platform_image() -> str:
    """Return the platform's image that `make images` built last.

    Raises:
        FileNotFoundError: It built none.
    """
    images = json.loads((ROOT / "build" / "images.json").read_text(encoding="utf-8"))["images"]
    return f"{images['platform']['repository']}:{images['platform']['tag']}"


def airflow_image(version: str) -> str:
    """Return the platform's image with another version of Airflow, on every node of the cluster."""
    return _variant("other-airflow.Dockerfile", ROOT, AIRFLOW=version)


def newer_ledger_image() -> str:
    """Return the platform's image with a ledger's schema that no older program fits."""
    return _variant("next-ledger.Dockerfile", FOLDER)


def _variant(dockerfile: str, context: Path, **arguments: str) -> str:
    """Build a variant whose tag is not there, and load it."""
    docker = client()
    base = find_base(docker, ROOT)
    arguments["PLATFORM"] = platform_image()
    if base.reference:
        arguments["BASE_IMAGE"] = base.reference
    reference = f"{REPOSITORY}:{_tag(arguments)}"
    if not inspect(docker, reference):
        command = [docker, "build", "--progress=plain", f"--file={FOLDER / dockerfile}"]
        command += [f"--build-arg={name}={value}" for name, value in arguments.items()]
        if bundle := certificates():
            command += ["--secret", f"id=ca,src={bundle}"]
        log = ROOT / "build" / "images" / "chart-drill.log"
        build([*command, "--tag", reference, str(context)], ROOT, log, lambda _: None)
    forget_old(docker, REPOSITORY, keep=6)
    load(docker, kind_nodes(docker, CLUSTER), [reference], _say)
    return reference


def _tag(arguments: dict[str, str]) -> str:
    """Return a tag of all that goes into a variant."""
    digest = hashlib.sha256(json.dumps(arguments, sort_keys=True).encode())
    for path in sorted(FOLDER.iterdir()):
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
