"""Carry spools to the log store in threads of their own, since the store may hang."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LogUploader", "Spool"]

_TICK_SECONDS: Final = 0.25
_LONGEST_PAUSE_SECONDS: Final = 15.0


class Spool(Protocol):
    """Hold what is to be carried away, such as a `LogSpool`."""

    @property
    def complete(self) -> bool:
        """Tell whether nothing is left and nothing will come."""

    def due(self) -> bool:
        """Tell whether there is something to carry by now."""

    def flush(self) -> None:
        """Carry a piece of it away; blocks, and raises when that failed."""


class LogUploader:
    """Write what is due of many spools; trouble with the store never reaches who writes lines.

    Args:
        threads: How many calls to the store at a time.
        on_trouble: Called with what the store says, at the first failure after a success.
    """

    def __init__(
        self, *, threads: int = 1, on_trouble: Callable[[str], None] | None = None
    ) -> None:
        self._threads = [
            threading.Thread(target=self._run, name=f"stationmaster-log-{n}", daemon=True)
            for n in range(threads)
        ]
        self._on_trouble = on_trouble
        self._lock = threading.Lock()
        self._spools: list[Spool] = []
        self._busy: set[Spool] = set()
        self._wake = threading.Event()
        self._closing = False
        self._stopped = False
        self._failures = 0
        self._last_progress = time.monotonic()

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def carry(self, spool: Spool) -> None:
        """Look after a spool until it is complete."""
        with self._lock:
            self._spools.append(spool)

    def close(self, *, patience_seconds: float, at_most_seconds: float) -> bool:
        """Write what is left; return whether everything got there.

        Args:
            patience_seconds: Give up when the store takes nothing for so long.
            at_most_seconds: Give up then, whatever it takes.
        """
        started = self._last_progress = time.monotonic()
        self._closing = True
        self._wake.set()
        while self._spools:
            now = time.monotonic()
            if now - self._last_progress > patience_seconds or now - started > at_most_seconds:
                break
            time.sleep(0.005)
        self._stopped = True
        return not self._spools

    def _run(self) -> None:
        while not self._stopped:
            spool = self._next()
            if spool is None:
                self._wake.wait(0.01 if self._closing else _TICK_SECONDS)
                continue
            try:
                spool.flush()
            except Exception as error:  # noqa: BLE001 (whatever it is: the step goes on)
                self._done(spool)
                self._trouble(error)
            else:
                self._failures = 0
                self._last_progress = time.monotonic()
                self._done(spool)

    def _next(self) -> Spool | None:
        """Return a spool that has something to write; each has its turn."""
        with self._lock:
            for place, spool in enumerate(self._spools):
                if spool not in self._busy and spool.due():
                    del self._spools[place]
                    self._spools.append(spool)
                    self._busy.add(spool)
                    return spool
        return None

    def _done(self, spool: Spool) -> None:
        with self._lock:
            self._busy.discard(spool)
            if spool.complete:
                self._spools.remove(spool)

    def _trouble(self, error: Exception) -> None:
        self._failures += 1
        if self._failures == 1 and self._on_trouble is not None:
            self._on_trouble(" ".join(str(error).split()))
        pause = min(0.25 * 2.0 ** min(self._failures, 8), _LONGEST_PAUSE_SECONDS)
        until = time.monotonic() + pause
        while time.monotonic() < until and not self._stopped:
            if self._closing and time.monotonic() > until - pause + 1.0:
                return
            time.sleep(0.1)
