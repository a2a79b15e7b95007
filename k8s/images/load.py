"""Hand images to the nodes of a kind cluster: only what a node lacks, to all nodes at once."""

from __future__ import annotations

import subprocess
import time
from collections import defaultdict
from typing import IO, TYPE_CHECKING, Final

from k8s.images.docker import ImageError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["kind_nodes", "load", "missing_on"]

CLUSTER_LABEL: Final = "io.x-k8s.kind.cluster"
ROLE_LABEL: Final = "io.x-k8s.kind.role"
CTR: Final = ("ctr", "--namespace=k8s.io", "images")
# Unpacked once, a layer's archive is of no use to a node: half of the disk, half of the writing.
IMPORT: Final = (*CTR, "import", "--local", "--digests", "--discard-unpacked-layers", "-")
PIECE_BYTES: Final = 1 << 20


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


def load(docker: str, nodes: list[str], references: list[str], say: Callable[[str], None]) -> None:
    """Load images into the nodes that lack them, and say what was done.

    Raises:
        ImageError: A node did not take them; the message has its words.
    """
    lacking: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for node in nodes:
        lacking[tuple(missing_on(docker, node, references))].append(node)
    for wanted, alike in lacking.items():
        if not wanted:
            say(f"has all   {', '.join(alike)}")
            continue
        say(f"loading   {len(wanted)} images into {', '.join(alike)}")
        begin = time.monotonic()
        _load(docker, alike, wanted)
        say(f"loaded    in {time.monotonic() - begin:.1f} s")


def _load(docker: str, nodes: list[str], wanted: tuple[str, ...]) -> None:
    """Save once, with layers that images share in it once, and let all nodes read."""
    takers = [
        subprocess.Popen(  # noqa: S603 (docker)
            [docker, "exec", "--interactive", node, *IMPORT],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for node in nodes
    ]
    with subprocess.Popen([docker, "save", *wanted], stdout=subprocess.PIPE) as saved:  # noqa: S603 (docker)
        _copy(saved.stdout, [taker.stdin for taker in takers])
    said = [taker.communicate()[1].decode(errors="replace").strip() for taker in takers]
    for node, taker, words in zip(nodes, takers, said, strict=True):
        if saved.returncode or taker.returncode:
            message = (
                f"expected {node} to take {', '.join(wanted)}; docker save ended with "
                f"{saved.returncode}, ctr with {taker.returncode}: {words[-500:]}"
            )
            raise ImageError(message)


def _copy(source: IO[bytes] | None, sinks: list[IO[bytes] | None]) -> None:
    """Give each piece to every node; one that hangs up says why when it is asked."""
    open_sinks = [sink for sink in sinks if sink]
    while source and open_sinks and (piece := source.read(PIECE_BYTES)):
        for sink in tuple(open_sinks):
            try:
                sink.write(piece)
            except BrokenPipeError:
                open_sinks.remove(sink)


def _output(*command: str) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 (docker)
    if done.returncode:
        message = f"expected `{' '.join(command)}` to work; got {done.stderr.strip()[-300:]}"
        raise ImageError(message)
    return done.stdout
