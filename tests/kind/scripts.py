"""Run parts of the cluster's shell scripts as they are."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

__all__ = ["KIND", "LIBRARY", "Ended", "run_part", "version_pins"]

KIND: Final = Path(__file__).resolve().parents[2] / "k8s" / "kind"
LIBRARY: Final = (
    "say",
    "build",
    "engine",
    "images",
    "network",
    "nodes",
    "kwok",
    "karpenter",
    "metrics",
    "up",
)
ASKS: Final = ("YES", "CI", "NODES", "KWOK", "KARPENTER", "METRICS")
"""Settings of whoever runs the tests, which must not leak into them."""

Ended = subprocess.CompletedProcess[str]


def run_part(commands: str, folder: Path, kind: Path = KIND, **settings: str) -> Ended:
    """Run commands with every function of the scripts at hand, and state in a folder."""
    sources = "\n".join(f'. "$KIND/lib/{part}.sh"' for part in LIBRARY)
    environment = {name: value for name, value in os.environ.items() if name not in ASKS}
    program = f"""set -euo pipefail; shopt -s inherit_errexit
KIND={kind} CLUSTER=trial ROOT={kind.parent.parent} STATE={folder}/state CACHE={folder}/cache
LOGS={folder}/logs WORK={folder}/work KUBECONFIG_FILE={folder}/state/kubeconfig
mkdir -p "$STATE" "$CACHE" "$LOGS" "$WORK"
. "$KIND/versions.env"
{sources}
{commands}
"""
    return subprocess.run(
        ["bash", "-c", program],  # noqa: S607 (the shell that the scripts name)
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env=environment | settings,
    )


def version_pins() -> dict[str, str]:
    """Return what versions.env says: HELM_VERSION is v4.3.1, say."""
    lines = (KIND / "versions.env").read_text().splitlines()
    pairs = (line.partition("=") for line in lines if not line.startswith("#"))
    return {name: value for name, is_pin, value in pairs if is_pin}
