"""Hand images to the nodes of a kind cluster: only what a node lacks, all nodes at once."""

from __future__ import annotations

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from k8s.images.docker import ImageError

__all__ = ["kind_nodes", "load", "missing_on"]

CLUSTER_LABEL: Final = "io.x-k8s.kind.cluster"
ROLE_LABEL: Final = "io.x-k8s.kind.role"
CTR: Final = ("ctr", "--namespace=k8s.io", "images")


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


def load(docker: str, nodes: list[str], references: list[str]) -> dict[str, tuple[int, float]]:
    """Load images into the nodes that lack them; return per node how many and in what seconds.

    Raises:
        ImageError: A node took none of it; the message has its words.
    """
    with ThreadPoolExecutor(max_workers=max(1, len(nodes))) as pool:
        done = pool.map(lambda node: _load_into(docker, node, references), nodes)
        return dict(zip(nodes, done, strict=True))


def _load_into(docker: str, node: str, references: list[str]) -> tuple[int, float]:
    wanted = missing_on(docker, node, references)
    if not wanted:
        return 0, 0.0
    begin = time.monotonic()
    into = [docker, "exec", "--interactive", node, *CTR, "import", "--digests", "-"]
    # Saved together: layers that images share travel once.
    with subprocess.Popen([docker, "save", *wanted], stdout=subprocess.PIPE) as saved:  # noqa: S603 (docker)
        taken = subprocess.run(  # noqa: S603 (docker)
            into, stdin=saved.stdout, check=False, capture_output=True, text=True
        )
    if saved.returncode or taken.returncode:
        message = (
            f"expected {node} to take {', '.join(wanted)}; docker save ended with "
            f"{saved.returncode}, ctr with {taken.returncode}: {taken.stderr.strip()[-500:]}"
        )
        raise ImageError(message)
    return len(wanted), time.monotonic() - begin


def _output(*command: str) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 (docker)
    if done.returncode:
        message = f"expected `{' '.join(command)}` to work; got {done.stderr.strip()[-300:]}"
        raise ImageError(message)
    return done.stdout
