"""Threads for what blocks; of the calls that wait for one, the weightiest comes first."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from stationmaster.airflow.life.places import Places

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Threads"]

Answer = TypeVar("Answer")


class Threads:
    """Run calls in threads, for one event loop.

    Args:
        count: How many.
        name: Begins their names.
    """

    def __init__(self, count: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)
        self._places = Places(count)

    async def run(self, call: Callable[[], Answer], weight: float = 0.0) -> Answer:
        """Return what the call returns; raises what it raises.

        Args:
            call: It may block.
            weight: Of calls that wait the weightiest is next, then the one that waits longest.
        """
        await self._places.take(weight)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, call)
        finally:
            self._places.give_back()
