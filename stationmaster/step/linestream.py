"""Read a process's lines as they come."""

from __future__ import annotations

import os
import selectors
from typing import IO, TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LineStream"]

_TICK_SECONDS: Final = 0.2
_LONGEST_LINE: Final = 64 * 1024


class LineStream:
    """Iterate over lines as they come, and end with the process even if its pipe stays open.

    A grandchild that outlives the step keeps the pipe's other end: plain reading would hang.
    """

    def __init__(self, stream: IO[bytes], ended: Callable[[], bool]) -> None:
        self._stream = stream
        self._ended = ended
        self._rest = b""
        self._complete: list[bytes] = []
        self._finished = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        while not self._complete and not self._finished:
            self._finished = not self._fill()
        if self._complete:
            return _text(self._complete.pop(0))
        if self._rest:
            line, self._rest = self._rest, b""
            return _text(line)
        raise StopIteration

    def _fill(self) -> bool:
        """Read what is there; False when nothing will come any more."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._stream, selectors.EVENT_READ)
            ready = selector.select(_TICK_SECONDS)
        if not ready:
            return not self._ended()
        chunk = os.read(self._stream.fileno(), _LONGEST_LINE)
        if not chunk:
            return False
        self._ended()  # a step that writes without end is killed in time as well
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            lines, self._rest = [*lines, self._rest], b""
        self._complete.extend(lines)
        return True


def _text(line: bytes) -> str:
    return line.decode("utf-8", errors="replace").rstrip("\r")
