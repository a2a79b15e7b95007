"""Turn the tag of the base image into a digest, in every Dockerfile at once."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Final

from k8s.images.artifacts import ROOT, artifacts
from k8s.images.docker import ImageError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["dockerfiles", "pin", "pinned"]

BASE: Final = re.compile(
    r"^ARG BASE_IMAGE=(?P<tag>[^@\s]+)(?:@(?P<digest>sha256:\S+))?$", re.MULTILINE
)


def dockerfiles(root: Path = ROOT) -> list[Path]:
    """Return all files that name the base image, the jobs' template among them."""
    return [
        root / "k8s" / "images" / "job.Dockerfile",
        *(root / artifact.dockerfile for artifact in artifacts(root)),
    ]


def pinned(text: str, digest: str) -> str:
    """Return a Dockerfile's text with its base at that digest; the tag stays, to be read."""
    return BASE.sub(lambda found: f"ARG BASE_IMAGE={found['tag']}@{digest}", text)


def pin(docker: str, root: Path = ROOT) -> str:
    """Ask the registry for the tag's digest, write it into all Dockerfiles; return what was done.

    Raises:
        ImageError: The registry does not answer, or the Dockerfiles name several bases.
    """
    files = dockerfiles(root)
    tags = {found["tag"] for path in files for found in BASE.finditer(path.read_text("utf-8"))}
    if len(tags) != 1:
        message = f"expected one base image in all Dockerfiles; got {', '.join(sorted(tags))}"
        raise ImageError(message)
    tag = tags.pop()
    digest = _digest(docker, tag)
    for path in files:
        path.write_text(pinned(path.read_text("utf-8"), digest), encoding="utf-8")
    return f"{tag} is {digest}, in {len(files)} files"


def _digest(docker: str, tag: str) -> str:
    pulled = _run(docker, "pull", "--quiet", tag)
    if pulled.returncode:
        message = (
            f"expected a registry that has {tag}; got {pulled.stderr.strip()[-300:]}. "
            "Without one the base is built here (`make cluster`) and needs no digest"
        )
        raise ImageError(message)
    shown = _run(docker, "image", "inspect", "--format", '{{join .RepoDigests "\\n"}}', tag)
    digests = [line.partition("@")[2] for line in shown.stdout.splitlines() if "@" in line]
    if not digests:
        message = f"expected a digest of {tag} after pulling it; got {shown.stdout.strip()!r}"
        raise ImageError(message)
    return digests[0]


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 (docker)
