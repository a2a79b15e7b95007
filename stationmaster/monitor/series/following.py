"""What of one value's error goes on to the next: a good day is apt to follow a good day."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from stationmaster.monitor.series.points import Rhythm

__all__ = ["Following"]

LEAST_PAIRS: Final = 28
DOUBT: Final = 20
"""So many pairs of errors that do not follow one another are taken to have been seen before."""

CLIPPED: Final = 2.0
"""Errors count up to so many spreads: one odd day says nothing of all others."""


class Following:
    """Know how far errors follow one another, and what that adds to what is expected next.

    The first autocorrelation of the errors of 112 days (672 hours), each clipped to 2 spreads,
    never below zero.

    Args:
        rhythm: Of the series.
    """

    def __init__(self, rhythm: Rhythm) -> None:
        self._pairs = deque[tuple[float, float]](maxlen=16 * 7 * max(1, rhythm.week // 42))
        self._last: tuple[int, float] | None = None
        self._share = 0.0
        self._most = 0.0

    def refresh(self, spread: float | None) -> None:
        """Measure anew how far errors follow one another.

        Args:
            spread: Of the errors; None: it is not known yet.
        """
        self._most = CLIPPED * (spread or 0.0)
        if len(self._pairs) < LEAST_PAIRS or not self._most:
            self._share = 0.0
            return
        pairs = [(self._clipped(one), self._clipped(two)) for one, two in self._pairs]
        squares = sum(one * one for one, _ in pairs)
        follow = sum(one * two for one, two in pairs) / squares if squares else 0.0
        self._share = min(1.0, max(0.0, follow)) * len(pairs) / (len(pairs) + DOUBT)

    def added(self, period: int) -> float:
        """Return what the error of the period before adds to what is expected of this one."""
        if self._last is None or self._last[0] != period - 1:
            return 0.0
        return self._share * self._clipped(self._last[1])

    def learn(self, period: int, error: float) -> None:
        """Take up how far a normal value was from what was expected without its predecessor."""
        if self._last is not None and self._last[0] == period - 1:
            self._pairs.append((self._last[1], error))
        self._last = (period, error)

    def restart(self) -> None:
        """Forget the last error: the level is another now."""
        self._last = None

    def _clipped(self, error: float) -> float:
        return max(-self._most, min(self._most, error))
