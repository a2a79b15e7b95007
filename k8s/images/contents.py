"""What goes into an image, as a tag: the same inputs have the same tag, so nothing is built twice.

The inputs are read out of the Dockerfile: its own text, what `COPY` takes from the context, what a
line `# inputs: …` names, and of uv.lock what its `uv export` prints. So a new lock gives a new tag
to the images whose packages it changes, and to no other.
"""

from __future__ import annotations

import hashlib
import re
import shlex
import subprocess
from typing import TYPE_CHECKING, Final

from k8s.images.docker import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from k8s.images.artifacts import Artifact

__all__ = ["exports_of", "files_of", "last_change", "sources_of", "tag_of"]

TAG_LETTERS: Final = 16


def sources_of(dockerfile: str) -> list[str]:
    """Return the paths and patterns that a Dockerfile takes from the context, in its order."""
    found: list[str] = []
    for line in _joined(dockerfile):
        if line.startswith("# inputs:"):
            found += line.removeprefix("# inputs:").split()
        elif line.startswith("COPY ") and "--from=" not in line:
            found += [word for word in line.split()[1:-1] if not word.startswith("--")]
    return found


def exports_of(dockerfile: str) -> list[list[str]]:
    """Return the arguments of each `uv export` in a Dockerfile, without its output."""
    found = re.findall(r"uv (export [^|&>)\n]*)", dockerfile.replace("\\\n", " "))
    return [shlex.split(re.sub(r"--output-file \S+", "", arguments)) for arguments in found]


def files_of(root: Path, dockerfile: str) -> list[Path]:
    """Return the files that the Dockerfile takes from the context, sorted.

    Raises:
        FileNotFoundError: A path or pattern of it names nothing.
    """
    files: set[Path] = set()
    for pattern in sources_of(dockerfile):
        matched = [path for top in root.glob(pattern) for path in _below(top)]
        if not matched:
            message = f"expected {pattern} in {root}, as a Dockerfile says; got nothing"
            raise FileNotFoundError(message)
        files.update(matched)
    return sorted(files)


def tag_of(root: Path, artifact: Artifact, base: str, uv: str) -> str:
    """Return the tag of an image's inputs.

    Args:
        root: The context.
        artifact: The image.
        base: What identifies the base image: an id or a digest.
        uv: The program uv, which tells what the lock holds for this image.

    Raises:
        ImageError: The lock cannot be read, or is not that of the pyproject files.
    """
    text = (root / artifact.dockerfile).read_text(encoding="utf-8")
    digest = hashlib.sha256(f"{base}\0{text}\0".encode())
    for path in files_of(root, text):
        runs = path.stat().st_mode & 0o111 != 0
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(root)}\0{runs}\0{content}\0".encode())
    for arguments in exports_of(text):
        digest.update(_locked(root, [uv, *arguments]))
    return digest.hexdigest()[:TAG_LETTERS]


def _locked(root: Path, command: list[str]) -> bytes:
    done = subprocess.run(command, cwd=root, check=False, capture_output=True)  # noqa: S603 (uv)
    if done.returncode:
        message = (
            f"expected `{' '.join(command)}` to read uv.lock; got "
            f"{done.stderr.decode(errors='replace').strip()[-500:]}. If the lock is old: make lock"
        )
        raise ImageError(message)
    return done.stdout


def last_change(root: Path, artifact: Artifact) -> tuple[str, str]:
    """Return revision and time of the last commit that touched the image's inputs.

    They stay when other things change, so an image that is built again is the same. The revision
    of inputs that are not committed ends with `-dirty`; without git both say so.
    """
    text = (root / artifact.dockerfile).read_text(encoding="utf-8")
    paths = [artifact.dockerfile, "uv.lock", *sources_of(text)]
    shown = _git(root, "log", "-1", "--format=%H %cd", "--date=format:%Y-%m-%dT%H:%M:%S%z", *paths)
    revision, _, created = shown.partition(" ")
    if not revision:
        return "unknown", "1970-01-01T00:00:00Z"
    dirty = "-dirty" if _git(root, "status", "--porcelain", *paths) else ""
    return f"{revision}{dirty}", f"{created[:-2]}:{created[-2:]}"


def _git(root: Path, command: str, *arguments: str) -> str:
    options = [word for word in arguments if word.startswith("-")]
    paths = [f":(glob){word}" if "*" in word else word for word in arguments if word not in options]
    full = ["git", command, *options, "--", *paths]
    done = subprocess.run(full, cwd=root, check=False, capture_output=True, text=True)  # noqa: S603 (git)
    return done.stdout.strip() if done.returncode == 0 else ""


def _joined(dockerfile: str) -> list[str]:
    """Return the lines with their continuations."""
    return dockerfile.replace("\\\n", " ").splitlines()


def _below(top: Path) -> Iterator[Path]:
    if top.is_file():
        yield top
        return
    for path in top.rglob("*"):
        # As .dockerignore says.
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
            yield path
