"""Hand images to the nodes of a kind cluster: only the layers that a node lacks."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from k8s.images.archive import SavedImages
from k8s.images.docker import ImageError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["kind_nodes", "layers_on", "load", "missing_on"]

CLUSTER_LABEL: Final = "io.x-k8s.kind.cluster"
ROLE_LABEL: Final = "io.x-k8s.kind.role"
CTR: Final = ("ctr", "--namespace=k8s.io", "images")
# Unpacked once, a layer's archive is of no use to a node: half of the disk, half of the writing.
IMPORT: Final = (*CTR, "import", "--local", "--discard-unpacked-layers", "-")
MEGABYTE: Final = 1_000_000


def kind_nodes(docker: str, cluster: str) -> list[str]:
    """Return the running nodes that take pods: the workers, or the one node there is."""
    form = f'{{{{.Names}}}} {{{{.Label "{ROLE_LABEL}"}}}}'
    label = f"label={CLUSTER_LABEL}={cluster}"
    lines = _output(docker, "ps", "--filter", label, "--format", form).splitlines()
    role_of = dict(line.split(" ", 1) for line in lines)
    workers = sorted(name for name, role in role_of.items() if role == "worker")
    return workers or sorted(role_of)


def missing_on(docker: str, node: str, references: list[str]) -> list[str]:
    """Return the images that a node's containerd does not have."""
    there = set(_output(docker, "exec", node, *CTR, "list", "--quiet").split())
    return [name for name in references if f"docker.io/{name}" not in there]


def layers_on(docker: str, node: str) -> frozenset[str]:
    """Return the chain ids of the layers that a node has unpacked."""
    lines = _output(docker, "exec", node, "ctr", "--namespace=k8s.io", "snapshots", "list")
    rows = [line.split() for line in lines.splitlines()[1:]]
    return frozenset(row[0] for row in rows if row and row[-1] == "Committed")


def load(docker: str, nodes: list[str], references: list[str], say: Callable[[str], None]) -> None:
    """Load images into the nodes that lack them, and say what was done.

    Raises:
        ImageError: A node did not take them; the message has its words.
    """
    lacking = {node: missing_on(docker, node, references) for node in nodes}
    wanted = sorted({name for names in lacking.values() for name in names})
    if not wanted:
        say(f"has all   {', '.join(nodes)}")
        return
    say(f"loading   {len(wanted)} images into {', '.join(node for node in nodes if lacking[node])}")
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="stationmaster-images-") as folder:
        saved = Path(folder) / "saved.tar"
        _output(docker, "save", "--output", str(saved), *wanted)
        sizes = [_take(docker, node, saved) for node in nodes if lacking[node]]
    sent = " and ".join(f"{size // MEGABYTE}" for size in sizes)
    say(f"loaded    in {time.monotonic() - begin:.1f} s, {sent} MB of layers that were missing")


def _take(docker: str, node: str, saved: Path) -> int:
    """Import into one node what it lacks; all of it where that does not do."""
    try:
        return _import(docker, node, SavedImages(saved), layers_on(docker, node))
    except (ImageError, ValueError):
        with saved.open("rb") as source:
            _output(docker, "exec", "--interactive", node, *IMPORT, source=source)
        return saved.stat().st_size


def _import(docker: str, node: str, images: SavedImages, have: frozenset[str]) -> int:
    command = [docker, "exec", "--interactive", node, *IMPORT]
    with (
        tempfile.TemporaryFile() as words,
        subprocess.Popen(  # noqa: S603 (docker)
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=words
        ) as taker,
    ):
        size = 0
        with contextlib.suppress(BrokenPipeError):  # it says why when it is asked
            if taker.stdin:
                with taker.stdin as target:
                    size = images.write(target, have)
        if taker.wait():
            words.seek(0)
            said = words.read().decode(errors="replace").strip()[-500:]
            message = f"expected {node} to take images; ctr ended with {taker.returncode}: {said}"
            raise ImageError(message)
    return size


def _output(*command: str, source: IO[bytes] | None = None) -> str:
    done = subprocess.run(  # noqa: S603 (docker)
        command, check=False, capture_output=True, text=True, stdin=source
    )
    if done.returncode:
        message = f"expected `{' '.join(command)}` to work; got {done.stderr.strip()[-300:]}"
        raise ImageError(message)
    return done.stdout
