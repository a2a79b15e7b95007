"""A real Prometheus on the loopback, with a past that a test writes."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

from k8s.images.docker import client
from tests.chart.promtool import promtool
from tests.chart.rendering import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["running_prometheus"]


@contextmanager
def running_prometheus(folder: Path, openmetrics: str) -> Iterator[str]:
    """Run it with samples that are given as OpenMetrics with times; yield its URL.

    It is $PROMETHEUS, the one on PATH, or that of `make images`; so is promtool.

    Raises:
        FileNotFoundError: There is none.
    """
    folder.chmod(0o777)
    (folder / "past.om").write_text(openmetrics, encoding="utf-8")
    (folder / "prometheus.yml").write_text("global: {}\n", encoding="utf-8")
    blocks = ["tsdb", "create-blocks-from", "openmetrics", "past.om", "data"]
    done = promtool(folder, *blocks, writes=True)
    assert done.returncode == 0, done.stderr
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    arguments = [
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [*_program(folder), *arguments], cwd=folder, stdout=log, stderr=log
        )
        try:
            _wait_until_ready(f"http://127.0.0.1:{port}", folder / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(30)


def _program(folder: Path) -> list[str]:
    own = os.environ.get("PROMETHEUS") or shutil.which("prometheus")
    if own:
        return [own]
    noted = ROOT / "build" / "images.json"
    images = json.loads(noted.read_text(encoding="utf-8"))["images"] if noted.exists() else {}
    if "prometheus" not in images:
        message = "prometheus: expected $PROMETHEUS, one on PATH, or the image of `make images`"
        raise FileNotFoundError(message)
    image = f"{images['prometheus']['repository']}:{images['prometheus']['tag']}"
    place = [f"--volume={folder}:/past", "--workdir=/past", "--network=host"]
    return [client(), "run", "--rm", f"--user={os.getuid()}", *place, image, "prometheus"]


def _wait_until_ready(url: str, log: Path) -> None:
    ready, until = f"{url}/-/ready", time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(ready, timeout=2):  # noqa: S310 (our own server)
                return
        except OSError as error:
            if time.monotonic() > until:
                tail = log.read_text(encoding="utf-8", errors="replace")[-500:]
                message = f"no Prometheus at {url}: {error}; its log ends: {tail}"
                raise RuntimeError(message) from error
            time.sleep(0.2)
