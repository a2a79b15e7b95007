"""Measure what a step uses: peak memory, CPU seconds, wall time, rows and bytes.

Memory is sampled: every 0.2 s that of the whole tree, and in between, every 0.05 s, that of the
process alone while it has no children.
A rise and fall between two samples is not seen: the kernel's own high-water mark would show it,
but counts file pages as well, and cannot be told apart afterwards; a step that maps a large file
would be sized for memory it does not need.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import TYPE_CHECKING, Final, Self

from stationmaster.step.containeruse import ContainerUse
from stationmaster.step.memorylimit import memory_limit_bytes
from stationmaster.step.processtree import own_memory_bytes, process_age_seconds, tree_use
from stationmaster.step.protocol import Measurements

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from stationmaster.step.memorysignal import MemorySignal

__all__ = ["Meter"]

_log = logging.getLogger(__name__)

_ALONE_SECONDS: Final = 0.05
_TREE_SECONDS: Final = 0.2
_TICK_SECONDS: Final = 1.0
_LAST_WORDS_AT: Final = (0.7, 0.8, 0.9, 0.95)
"""Shares of the memory limit at whose first passing the tick comes at once: a step that grows
fast is killed before the second is over, and its last word is the evidence of why."""


class Meter:
    """Sample this process and its descendants in a thread; a context manager.

    Args:
        on_tick: Called about every second, and when memory nears its limit, from the meter's
            thread.
        since_process_start: Count what the process used before the meter was made as well:
            imports are a step's own time.
        limit_bytes: What the container may use; its cgroup's limit where nothing is said.
        tick_seconds: How far apart ordinary ticks are.
        signal: Is told each sample of memory.
    """

    def __init__(
        self,
        *,
        on_tick: Callable[[], None] | None = None,
        since_process_start: bool = False,
        limit_bytes: int | None = None,
        tick_seconds: float = _TICK_SECONDS,
        signal: MemorySignal | None = None,
    ) -> None:
        self._on_tick = on_tick
        self._tick_seconds = tick_seconds
        self._signal = signal
        self._given_limit = limit_bytes
        self._limit = limit_bytes or memory_limit_bytes()
        self._marks = _marks(self._limit)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stationmaster-meter", daemon=True)
        self._counts = threading.Lock()
        self._rows_read = self._rows_written = self._bytes_read = self._bytes_written = 0
        self._peak = 0
        self._cpu = 0.0
        self._alone = True
        self._container = ContainerUse.in_folder()
        self._working_set: int | None = None
        self._throttled: float | None = None
        self._oom_kills: int | None = None
        self._cpu_before = 0.0 if since_process_start else tree_use(os.getpid()).cpu_seconds
        self._started = time.monotonic()
        if since_process_start:
            self._started -= process_age_seconds()

    def __enter__(self) -> Self:
        if self._container is not None and not self._container.is_own():
            self._container = None
        self._sample()
        self._ask_the_kernel()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Take a last sample and end the thread; no tick comes after this."""
        self._ended.set()
        self._thread.join()
        self._sample()
        self._ask_the_kernel()

    def count_read(self, *, rows: int = 0, size_bytes: int = 0) -> None:
        """Add to what the step has read."""
        with self._counts:
            self._rows_read += rows
            self._bytes_read += size_bytes

    def count_written(self, *, rows: int = 0, size_bytes: int = 0) -> None:
        """Add to what the step has written."""
        with self._counts:
            self._rows_written += rows
            self._bytes_written += size_bytes

    def measurements(self) -> Measurements:
        """Return what has been used so far."""
        return Measurements(
            wall_seconds=round(time.monotonic() - self._started, 3),
            cpu_seconds=round(self._cpu, 3),
            peak_memory_bytes=self._peak,
            peak_working_set_bytes=self._working_set,
            throttled_seconds=None if self._throttled is None else round(self._throttled, 3),
            memory_limit_bytes=self._limit if self._container is not None else None,
            oom_kills=self._oom_kills,
            rows_read=self._rows_read,
            rows_written=self._rows_written,
            bytes_read=self._bytes_read,
            bytes_written=self._bytes_written,
        )

    def _sample(self) -> None:
        use = tree_use(os.getpid())
        self._alone = use.processes == 1
        self._see(use.memory_bytes)
        # A child that nobody waited for takes its seconds along when it goes: keep the most seen.
        self._cpu = max(self._cpu, use.cpu_seconds - self._cpu_before)

    def _glance(self) -> None:
        """Look at this process's own memory only."""
        if (memory_bytes := own_memory_bytes()) is not None:
            self._see(memory_bytes)

    def _see(self, memory_bytes: int) -> None:
        self._peak = max(self._peak, memory_bytes)
        if self._signal is not None:
            self._signal.look(memory_bytes)

    def _ask_the_kernel(self) -> None:
        """Take what the kernel counts for the container, where it is our own."""
        if self._container is None:
            return
        if (working_set := self._container.working_set_bytes()) is not None:
            self._working_set = max(self._working_set or 0, working_set)
        if (throttled := self._container.throttled_seconds()) is not None:
            self._throttled = throttled
        self._oom_kills = self._container.oom_kills()
        limit = self._given_limit or memory_limit_bytes()
        if limit != self._limit:  # it was raised where the step runs
            self._limit, self._marks = limit, _marks(limit)

    def _passed_a_mark(self) -> bool:
        before = len(self._marks)
        self._marks = [mark for mark in self._marks if mark > self._peak]
        return len(self._marks) < before

    def _run(self) -> None:
        ticked = sampled = time.monotonic()
        while not self._ended.wait(_ALONE_SECONDS if self._alone else _TREE_SECONDS):
            try:
                if self._alone and time.monotonic() - sampled < _TREE_SECONDS:
                    self._glance()
                else:
                    sampled = time.monotonic()
                    self._sample()
                due = self._passed_a_mark() or time.monotonic() - ticked >= self._tick_seconds
                if due:
                    ticked = time.monotonic()
                    self._ask_the_kernel()
                    if self._on_tick is not None:
                        self._on_tick()
            except OSError as error:
                # Measuring must never end a step; the end of the step will say it again.
                _log.debug("The meter missed a sample: %s", error)


def _marks(limit_bytes: int | None) -> list[float]:
    return [limit_bytes * share for share in _LAST_WORDS_AT] if limit_bytes else []
