"""Pages that change by themselves: one look at the ledger for all who have a page open.

A page listens at `/live` (server-sent events). While somebody listens, the ledger is asked every
few seconds what changed; each listener is told the topics that did, and fetches those parts of its
page anew. Nobody listens: nothing is asked.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
from typing import TYPE_CHECKING, Final

from starlette.concurrency import run_in_threadpool

from stationmaster.monitor.dashboard.reading.marks import TOPICS, read_marks
from stationmaster.step.errors import StepError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from stationmaster.monitor.dashboard.reading.source import Source

__all__ = ["Live", "TooManyListenersError"]

log = logging.getLogger(__name__)

MOST_LISTENERS: Final = 1000
STILL_THERE_SECONDS: Final = 15.0
"""A word so often: proxies close what says nothing, and a page that hears nothing is old."""

LONGEST: Final = dt.timedelta(minutes=10)
"""A stream ends after this, and the browser asks anew: a session that is over ends with it."""

WAITING_MESSAGES: Final = 50


class TooManyListenersError(Exception):
    """More pages are open than one process serves."""


class Live:
    """Tell all open pages what changed.

    Args:
        source: The ledger.
        poll_seconds: How often it is asked.
        silent_after: When a watcher counts as silent.
    """

    def __init__(self, source: Source, poll_seconds: float, silent_after: dt.timedelta) -> None:
        self._source = source
        self._poll_seconds = poll_seconds
        self._silent_after = silent_after
        self._listeners: set[asyncio.Queue[str]] = set()
        self._looking: asyncio.Task[None] | None = None
        self._over = False
        self.looks = 0

    @property
    def listeners(self) -> int:
        """Return how many pages listen."""
        return len(self._listeners)

    async def events(self) -> AsyncIterator[str]:
        """Yield server-sent events for one page; the first tells it to look at everything once.

        Raises:
            TooManyListenersError: There are too many already.
        """
        if len(self._listeners) >= MOST_LISTENERS:
            raise TooManyListenersError
        queue: asyncio.Queue[str] = asyncio.Queue(WAITING_MESSAGES)
        self._listeners.add(queue)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_on())
        loop = asyncio.get_running_loop()
        end = loop.time() + LONGEST.total_seconds()
        try:
            yield "retry: 2000\n" + _event("changed", TOPICS)
            while loop.time() < end and not self._over:
                try:
                    yield await asyncio.wait_for(queue.get(), STILL_THERE_SECONDS)
                except TimeoutError:
                    yield _event("still", ())
        finally:
            self._listeners.discard(queue)

    def end(self) -> None:
        """End all streams: the server stops, and does not wait for pages that are open."""
        self._over = True
        self._tell(": over\n\n")

    def changed(self, topics: Sequence[str]) -> None:
        """Tell all pages at once that something changed: somebody acted."""
        self._source.forget_all()
        self._tell(_event("changed", topics))

    async def _look_on(self) -> None:
        """Look again and again, as long as somebody listens."""
        known: dict[str, str] | None = None
        away = False
        while self._listeners:
            try:
                found = await run_in_threadpool(read_marks, self._source, self._silent_after)
            except Exception as error:
                # Whatever it is: a page that nobody tells of changes must not look current.
                if not away:
                    log.warning("pages are not live: %s", error, exc_info=not _is_told(error))
                    self._tell(_event("away", ["database"]))
                away = True
            else:
                self.looks += 1
                news = [
                    t for t in found if away or (known is not None and known.get(t) != found[t])
                ]
                known, away = found, False
                if news:
                    self._source.forget()
                    self._tell(_event("changed", news))
            await asyncio.sleep(self._poll_seconds)

    def _tell(self, message: str) -> None:
        for queue in self._listeners:
            if queue.full():  # a page that sleeps: it looks at everything when it wakes
                queue.get_nowait()
            queue.put_nowait(message)


def _is_told(error: Exception) -> bool:
    """Tell whether an error says all there is to say."""
    return isinstance(error, StepError)


def _event(name: str, topics: Sequence[str]) -> str:
    return f"event: {name}\ndata: {json.dumps(list(topics))}\n\n"
