"""Wait for a call only so long, from a thread that must go on."""

from __future__ import annotations

import contextvars
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["in_time"]

T = TypeVar("T")


def in_time(function: Callable[[], T], seconds: float, *, name: str) -> T:
    """Return what a function returns.

    One that hangs stays behind in its thread, which keeps no program from ending.

    Args:
        function: Called in a thread of its own.
        seconds: How long it may take.
        name: Of the thread.

    Raises:
        TimeoutError: It did not return in time.
    """
    answers: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(function())
        except BaseException as error:  # noqa: BLE001 (raised where it is waited for)
            errors.append(error)

    # In the caller's context: a span that is open stays the parent of those made there.
    thread = threading.Thread(
        target=contextvars.copy_context().run, args=[run], name=f"stationmaster-{name}", daemon=True
    )
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not answers:
        message = f"{name} did not return within {seconds:g} s"
        raise TimeoutError(message)
    return answers[0]
