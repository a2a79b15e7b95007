"""Reach a service of the cluster from a test, for as long as the test needs it."""

from __future__ import annotations

import re
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.cluster.place import tool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.place import Place

__all__ = ["Forward", "forwarded"]

SAID = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+)")
START_SECONDS = 60.0


class Forward:
    """Forward one port of a service to a port here; start again when its pod went away."""

    def __init__(self, place: Place, service: str, port: int) -> None:
        self._command = [
            tool("kubectl"),
            f"--kubeconfig={place.kubeconfig}",
            "-n",
            place.namespace,
            "port-forward",
            f"service/{service}",
        ]
        self._service = service
        self._remote = port
        self._process: subprocess.Popen[str] | None = None
        self._local = 0

    @property
    def port(self) -> int:
        """Return the port here, with the forward running."""
        if self._process is None or self._process.poll() is not None:
            self._start()
        return self._local

    @property
    def address(self) -> str:
        """Return `127.0.0.1:<port>`."""
        return f"127.0.0.1:{self.port}"

    def restart(self) -> None:
        """Start again: kubectl keeps the pod it first found, which may be gone."""
        self.stop()
        self._start()

    def stop(self) -> None:
        """End the forward."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _start(self) -> None:
        until = time.monotonic() + START_SECONDS
        while True:
            # The same port again, so that addresses already handed out stay right.
            local = str(self._local) if self._local else ""
            process = subprocess.Popen(
                [*self._command, f"{local}:{self._remote}"],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            said = process.stdout.readline() if process.stdout else ""
            if found := SAID.search(said):
                self._process, self._local = process, int(found[1])
                return
            process.kill()
            process.wait()
            if time.monotonic() > until:
                message = f"expected port {self._remote} of {self._service}, got: {said.strip()}"
                raise ConnectionError(message)
            time.sleep(1)


@contextmanager
def forwarded(place: Place, service: str, port: int) -> Iterator[Forward]:
    """Forward a port for as long as the block runs."""
    forward = Forward(place, service, port)
    try:
        yield forward
    finally:
        forward.stop()
