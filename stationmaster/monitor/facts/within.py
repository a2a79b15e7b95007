"""Call what may hang: each call in a thread of its own, with a limit that really holds."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["side_by_side", "within"]

Answer = TypeVar("Answer")


def within(seconds: float, call: Callable[[], Answer]) -> Answer:
    """Return what a call returns.

    Raises:
        TimeoutError: It did not return in time; its thread stays behind and keeps no program alive.
    """
    running = _started(call)
    if not wait([running], timeout=seconds).done:
        message = f"no answer within {seconds:g} s"
        raise TimeoutError(message)
    return running.result()


def side_by_side(
    seconds: float, calls: Sequence[Callable[[], Answer]]
) -> list[Answer | BaseException]:
    """Return what each call returned or raised, in order; TimeoutError for who is not back in time.

    Args:
        seconds: For all together.
        calls: Run at the same time.
    """
    until = time.monotonic() + seconds
    running = [_started(call) for call in calls]
    found: list[Answer | BaseException] = []
    for each in running:
        if not wait([each], timeout=max(0.0, until - time.monotonic())).done:
            found.append(TimeoutError(f"no answer within {seconds:g} s"))
        else:
            found.append(each.exception() or each.result())
    return found


def _started(call: Callable[[], Answer]) -> Future[Answer]:
    answer: Future[Answer] = Future()

    def run() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:  # noqa: BLE001 (raised where it is waited for)
            answer.set_exception(error)

    threading.Thread(target=run, name="stationmaster-facts", daemon=True).start()
    return answer
