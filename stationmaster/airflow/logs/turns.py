"""Whose log is read now: a process reads only so many pods' logs at a time."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["Turns"]

RUNNING_AT_ONCE: Final = 64
"""Pods that are followed while they run; each holds its turn for as long as it runs."""

ENDED_AT_ONCE: Final = 16
"""Pods that ended and are read to their end: a turn of their own, over in a moment."""


class Turns:
    """Give turns to read: a pod that ended never waits behind those that run for hours.

    Args:
        running: How many pods that run have a turn at a time.
        over: How many that ended.
    """

    def __init__(self, running: int = RUNNING_AT_ONCE, over: int = ENDED_AT_ONCE) -> None:
        self.running = running
        self._running = asyncio.Semaphore(running)
        self._over = asyncio.Semaphore(over)

    @property
    def are_taken(self) -> bool:
        """Tell whether a pod that runs would have to wait."""
        return self._running.locked()

    @asynccontextmanager
    async def taken(self, ended: asyncio.Event) -> AsyncIterator[None]:
        """Wait for a turn: among those that run, or, once the pod ended, among those that did."""
        turn = self._running if not ended.is_set() and await self._before(ended) else None
        if turn is None:
            turn = self._over
            await turn.acquire()
        try:
            yield
        finally:
            turn.release()

    async def _before(self, ended: asyncio.Event) -> bool:
        """Return whether a turn came before the pod ended."""
        taking = asyncio.ensure_future(self._running.acquire())
        ending = asyncio.ensure_future(ended.wait())
        try:
            await asyncio.wait({taking, ending}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            if taking.done():
                self._running.release()
            raise
        finally:
            ending.cancel()
            if not taking.done():
                taking.cancel()
        return taking.done()
