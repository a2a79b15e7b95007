"""Docker's command line: which client builds, on which base, with which certificates."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Base",
    "ImageError",
    "build",
    "certificates",
    "client",
    "find_base",
    "forget_old",
    "inspect",
    "remove",
]

ALONE_BEFORE: Final = 23
"""Clients from this major version on build with buildx only (Docker Engine 23.0 release notes)."""
SYSTEM_CERTIFICATES: Final = Path("/etc/ssl/certs/ca-certificates.crt")


class ImageError(Exception):
    """Say what an image lacks, and what to do."""


@dataclass(frozen=True)
class Base:
    """Hold the image that all others are built on."""

    reference: str
    """What `ARG BASE_IMAGE` gets; empty: the Dockerfile's own."""
    identity: str
    """What goes into tags: the id of a local image, or the reference."""


def client() -> str:
    """Return a docker client that builds with BuildKit.

    Raises:
        ImageError: There is none.
    """
    wished = os.environ.get("DOCKER")
    found = [wished] if wished else [shutil.which("docker") or "", "/usr/bin/docker"]
    for program in found:
        if not program or not shutil.which(program):
            continue
        said = _output(program, "version", "--format", "{{.Client.Version}}")
        major = re.match(r"\d+", said)
        if _output(program, "buildx", "version") or (major and int(major[0]) < ALONE_BEFORE):
            return program
    message = (
        "expected a docker client that builds with BuildKit; "
        f"got {', '.join(filter(None, found)) or 'none'}. "
        "Install docker-buildx, or name another client: DOCKER=/usr/bin/docker"
    )
    raise ImageError(message)


def find_base(docker: str, root: Path) -> Base:
    """Return BASE_IMAGE of the environment, else the cluster's local base, else the Dockerfiles'.

    `make cluster` builds a base where no registry is reachable, and writes down its name.
    """
    written = root / "build" / "kind" / "base.image"
    noted = written.read_text(encoding="utf-8").strip() if written.is_file() else ""
    reference = os.environ.get("BASE_IMAGE") or noted
    if not reference:
        return Base("", "")
    found = inspect(docker, reference)
    return Base(reference, found[0] if found else reference)


def certificates() -> Path | None:
    """Return the bundle that builds trust: CA_BUNDLE, else the system's; None: the image's own."""
    wished = os.environ.get("CA_BUNDLE")
    if wished and not Path(wished).is_file():
        message = f"expected a file of certificates in CA_BUNDLE; got {wished}, which is none"
        raise ImageError(message)
    path = Path(wished) if wished else SYSTEM_CERTIFICATES
    return path if path.is_file() else None


def inspect(docker: str, reference: str) -> tuple[str, int] | None:
    """Return an image's id and size in bytes, None where it is not there."""
    said = _output(docker, "image", "inspect", "--format", "{{.Id}} {{.Size}}", reference)
    if not said:
        return None
    identity, size = said.split()
    return identity, int(size)


def forget_old(docker: str, repository: str, keep: int = 3) -> list[str]:
    """Remove an image's tags by content beyond the newest ones; return them.

    Each is some megabytes over its layers, and there is one for every change. Names that people
    gave, and what a container still uses, stay.
    """
    listed = _output(docker, "image", "ls", "--format", "{{.Tag}}", repository).split()
    by_content = [tag for tag in listed if re.fullmatch(r"[0-9a-f]{16}", tag)]
    old = [f"{repository}:{tag}" for tag in by_content[keep:]]
    return [name for name in old if remove(docker, name)]


def remove(docker: str, reference: str) -> bool:
    """Take a name off an image; return whether that was possible."""
    return bool(_output(docker, "image", "rm", reference))


def build(command: list[str], root: Path, log: Path, progress: Callable[[str], None]) -> float:
    """Run a build; its output goes to a file, its steps to `progress`. Return the seconds.

    Raises:
        ImageError: The build failed; the message has the end of its output.
    """
    begin = time.monotonic()
    environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
    with (
        log.open("w", encoding="utf-8") as sink,
        subprocess.Popen(  # noqa: S603 (docker)
            command,
            cwd=root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        for line in process.stdout or ():
            sink.write(line)
            if re.match(r"#\d+ \[", line):
                progress(line.strip())
    if process.returncode:
        end = "".join(log.read_text(encoding="utf-8").splitlines(keepends=True)[-25:])
        message = f"expected {command[-2]} to build; docker ended with {process.returncode}:\n{end}"
        raise ImageError(message)
    return time.monotonic() - begin


def _output(*command: str) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 (docker)
    return done.stdout.strip() if done.returncode == 0 else ""
