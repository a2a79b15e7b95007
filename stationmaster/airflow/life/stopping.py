"""How a living step is asked to stop, from its own loop or from another thread."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stationmaster.airflow.life.findings import Verdict

__all__ = ["StopSignal"]


class StopSignal:
    """Ask a step to stop, once and with a reason; the first reason stands."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a signal handler may call `set` inside `wait`
        self._reason: Verdict | None = None
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    @property
    def reason(self) -> Verdict | None:
        """Return why to stop, None while nobody asked."""
        return self._reason

    def set(self, reason: Verdict) -> None:
        """Ask to stop; from any thread, also from a signal handler's.

        Args:
            reason: KILLED_BY_USER, TIMED_OUT or STOPPED; it becomes the step's verdict.
        """
        with self._lock:
            if self._reason is None:
                self._reason = reason
            waiting, self._waiting = self._waiting, []
        for loop, event in waiting:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)

    async def wait(self) -> Verdict:
        """Return the reason as soon as there is one."""
        while self._reason is None:
            event = asyncio.Event()
            entry = (asyncio.get_running_loop(), event)
            with self._lock:
                self._waiting.append(entry)
            if self.reason is not None:  # asked between the look and the entry
                event.set()
            try:
                await event.wait()
            finally:
                with self._lock:
                    if entry in self._waiting:
                        self._waiting.remove(entry)
        return self._reason
