"""How a living step is asked to stop, from its own loop or from another thread."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stationmaster.airflow.life.findings import Verdict

__all__ = ["StopSignal"]


class StopSignal:
    """Ask a step to stop, once and with a reason; the first reason stands."""

    def __init__(self) -> None:
        # Reentrant: a signal handler may call `set` while its own thread is in `waking`.
        self._lock = threading.RLock()
        self._reason: Verdict | None = None
        self._wakes: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    @property
    def reason(self) -> Verdict | None:
        """Return why to stop, None while nobody asked."""
        return self._reason

    def set(self, reason: Verdict) -> None:
        """Ask to stop; from any thread, also from a signal handler.

        Args:
            reason: KILLED_BY_USER, TIMED_OUT or STOPPED; it becomes the step's verdict.
        """
        with self._lock:
            if self._reason is not None:
                return
            self._reason = reason
            wakes = list(self._wakes)
        for loop, event in wakes:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)

    @contextmanager
    def waking(self, event: asyncio.Event) -> Iterator[None]:
        """Set `event` when somebody asks to stop, at once if somebody has."""
        entry = (asyncio.get_running_loop(), event)
        with self._lock:
            self._wakes.append(entry)
        if self._reason is not None:
            event.set()
        try:
            yield
        finally:
            with self._lock:
                self._wakes.remove(entry)

    async def wait(self, seconds: float | None = None) -> Verdict | None:
        """Return the reason as soon as there is one, None when the time is over first."""
        event = asyncio.Event()
        with self.waking(event):
            try:
                async with asyncio.timeout(seconds):
                    await event.wait()
            except TimeoutError:
                return None
        return self._reason
