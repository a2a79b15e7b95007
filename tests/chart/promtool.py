"""Prometheus' own tool, which checks rules and metrics: here, or in the image that has it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from k8s.images.docker import client
from tests.chart.rendering import ROOT

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["promtool"]


def promtool(
    folder: Path, *arguments: str, text: str = "", writes: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run promtool in a folder: $PROMTOOL, the one on PATH, or that of `make images`.

    Args:
        folder: Where.
        *arguments: To it.
        text: To its standard input.
        writes: It may write there.

    Raises:
        FileNotFoundError: There is none.
    """
    own = os.environ.get("PROMTOOL") or shutil.which("promtool")
    command = [own] if own else _in_image(folder, writes=writes)
    return subprocess.run(
        [*command, *arguments],
        cwd=folder,
        input=text,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )


def _in_image(folder: Path, *, writes: bool) -> list[str]:
    noted = ROOT / "build" / "images.json"
    images = json.loads(noted.read_text(encoding="utf-8"))["images"] if noted.exists() else {}
    if "prometheus" not in images:
        message = "promtool: expected $PROMTOOL, one on PATH, or the image of `make images`"
        raise FileNotFoundError(message)
    image = f"{images['prometheus']['repository']}:{images['prometheus']['tag']}"
    if not writes:
        folder.chmod(0o755)
    mount = f"--volume={folder}:/rules{'' if writes else ':ro'}"
    user = f"--user={os.getuid()}"
    return [client(), "run", "--rm", "-i", user, mount, "--workdir=/rules", image, "promtool"]
