"""Whether a watcher still comes round: what hangs is started anew by Kubernetes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Pulse"]

LEAST_SECONDS: Final = 600.0
"""A look, its sending and a database that is away take minutes together, not ten."""

ROUNDS: Final = 5


class Pulse:
    """Beat each time a watcher has come round.

    Args:
        every_seconds: How often it means to.
        clock: Seconds that only rise.
    """

    def __init__(self, every_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = max(LEAST_SECONDS, ROUNDS * every_seconds)
        self._clock = clock
        self._last = clock()

    def beat(self) -> None:
        """Say that it has come round."""
        self._last = self._clock()

    def trouble(self) -> str:
        """Return what is wrong: "" while it comes round."""
        silent = self._clock() - self._last
        if silent <= self._most:
            return ""
        return f"The watcher has not come round for {silent:.0f} s; {self._most:.0f} s is the most."
