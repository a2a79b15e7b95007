"""Tell the platform that memory gets short, by a port that stops answering.

A step may not speak to Kubernetes. What its container can change in what Kubernetes knows of it
is whether it is ready: the pod's readiness probe asks this port each second, and the pod's watch
has the answer a moment later (`stationmaster.airflow.life.growing` acts on it).
"""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING, Final

from stationmaster.step.memorylimit import memory_limit_bytes
from stationmaster.step.protocol import MEMORY_PORT_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["SHORT_OF_LIMIT", "MemorySignal"]

SHORT_OF_LIMIT: Final = 0.75
"""Share of the limit from which memory is short: what is left must last the two to three seconds
from the probe to the raised limit, and one more in which the wish must stand."""


class MemorySignal:
    """Answer on a port while memory is not short.

    Args:
        port: On all of the pod's addresses: the kubelet asks from outside.
        limit: Tells what the container may use now; it is asked again each time.
    """

    def __init__(self, port: int, *, limit: Callable[[], int | None] = memory_limit_bytes) -> None:
        self._port = port
        self._limit = limit
        self._listening: socket.socket | None = None

    @classmethod
    def asked_for(cls, environment: Mapping[str, str]) -> MemorySignal | None:
        """Return the signal on the port that the platform names, None where it names none."""
        port = environment.get(MEMORY_PORT_VARIABLE, "")
        return cls(int(port)) if port.isdigit() else None

    def look(self, used_bytes: int) -> None:
        """Open or close the port by what is used; answer who has asked.

        Raises:
            OSError: The port is another's.
        """
        limit = self._limit()
        if limit is not None and used_bytes >= SHORT_OF_LIMIT * limit:
            self.close()
            return
        if self._listening is None:
            self._listening = _listen(self._port)
        with contextlib.suppress(BlockingIOError):
            while True:
                asked, _ = self._listening.accept()
                asked.close()

    def close(self) -> None:
        """Stop answering."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None


def _listen(port: int) -> socket.socket:
    listening = socket.create_server(("", port), backlog=8)
    listening.settimeout(0)
    return listening
