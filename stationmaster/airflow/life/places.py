"""So many at once, and who waits for a place: the weightiest first, then in order of asking."""

from __future__ import annotations

import asyncio
import heapq
import itertools

__all__ = ["Places"]


class Places:
    """Give out a number of places, in one event loop.

    Args:
        most: How many there are.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0
        self._numbers = itertools.count()
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []

    @property
    def taken(self) -> int:
        """Return how many are taken."""
        return self._taken

    def keep(self) -> None:
        """Take a place for what has one already, also beyond what there are."""
        self._taken += 1

    def take_free(self) -> bool:
        """Take a place if one is free; tell whether it was."""
        if self._taken >= self._most:
            return False
        self._taken += 1
        return True

    async def take(self, weight: float = 0.0) -> None:
        """Wait for a place; who is weightier comes first."""
        if self.take_free():
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (-weight, next(self._numbers), place))
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.give_back()  # it came in the very moment
            raise

    def give_back(self) -> None:
        """Give a place back: who waits gets it."""
        while self._waiting and self._taken <= self._most:
            _, _, place = heapq.heappop(self._waiting)
            if not place.done():
                place.set_result(None)
                return
        self._taken -= 1
