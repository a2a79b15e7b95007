"""Call what may hang, from an event loop that must not."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["OneAtATime"]

Answer = TypeVar("Answer")


class OneAtATime:
    """Run calls in threads, one at a time, each with a limit that really holds.

    A database whose process is stopped keeps its connections open and never answers: no timeout
    of the driver sees that. The thread stays behind then, and no other is started before it has
    come back. It is a daemon: it keeps no program from ending.

    Args:
        seconds: How long a call may take.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._hung: asyncio.Future[Any] | None = None

    async def call(self, function: Callable[[], Answer]) -> Answer:
        """Return what the function returns.

        Raises:
            TimeoutError: It did not return in time, or an earlier call still has not.
        """
        if self._hung is not None:
            await self._wait(self._hung, "an earlier call has not come back")
            self._hung.exception()  # looked at, so that asyncio does not complain
            self._hung = None
        running = _in_thread(function)
        self._hung = running
        await self._wait(running, f"no answer within {self._seconds:g} s")
        self._hung = None
        return running.result()

    async def _wait(self, running: asyncio.Future[Any], otherwise: str) -> None:
        done, _ = await asyncio.wait({running}, timeout=self._seconds)
        if not done:
            raise TimeoutError(otherwise)


def _in_thread(function: Callable[[], Answer]) -> asyncio.Future[Answer]:
    answer: Future[Answer] = Future()

    def run() -> None:
        try:
            answer.set_result(function())
        except BaseException as error:  # noqa: BLE001 (raised where it is waited for)
            answer.set_exception(error)

    threading.Thread(target=run, name="stationmaster-ledger", daemon=True).start()
    return asyncio.wrap_future(answer)
