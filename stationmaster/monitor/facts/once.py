"""Ask once: what was answered, or why it was not, stands."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Once"]

T = TypeVar("T")


class Once(Generic[T]):
    """Hold a question that is asked when somebody first wants its answer; safe in threads.

    Args:
        ask: Returns the answer, or raises why there is none.
    """

    def __init__(self, ask: Callable[[], T]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._found: list[T] = []
        self._failed: Exception | None = None

    def __call__(self) -> T:
        """Return the answer; a failure is raised again without asking again."""
        with self._lock:
            if self._failed is not None:
                raise self._failed
            if not self._found:
                try:
                    self._found.append(self._ask())
                except Exception as error:
                    self._failed = error
                    raise
            return self._found[0]
