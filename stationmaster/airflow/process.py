"""The same step as local processes (laptop): one a shard, side by side."""

from __future__ import annotations

import datetime as dt
import os
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final

from stationmaster.ledger.local import record_process
from stationmaster.step.process import ProcessOutcome, StepProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from stationmaster.step.protocol import Shard, StepContext

__all__ = ["LocalRun", "ShardOutcome"]

TAIL_LINES: Final = 15
"""How much of a log an error message shows."""

STOPPED: Final = ProcessOutcome(exit_code=143, result=None, stop_requested=True)
"""How a shard ends that was stopped before it started."""


@dataclass(frozen=True)
class ShardOutcome:
    """Hold how one shard ended."""

    shard: Shard
    outcome: ProcessOutcome
    tail: tuple[str, ...]


class LocalRun:
    """Run the shards of a step as local processes.

    Lines of all shards reach `on_line` in the thread that called `run`, so that a task's log is
    written by the task's own thread. As soon as one shard fails the others are stopped: the step
    is tried again as a whole.

    Args:
        contexts: One a shard.
        command: The job's argument list.
        env: Variables on top of this process's own.
        grace_seconds: Time between SIGTERM and SIGKILL.
        parallel: Most processes at a time; the number of CPUs by default.
        facts: Further fields of the ledger's records.
    """

    def __init__(  # noqa: PLR0913 (one keyword for each thing that differs between runs)
        self,
        contexts: Sequence[StepContext],
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        grace_seconds: float,
        parallel: int | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self._contexts = contexts
        self._command = command
        self._env = env
        self._facts = facts
        self._grace_seconds = grace_seconds
        self._parallel = min(len(contexts), parallel or os.cpu_count() or 1)
        self._stopping = threading.Event()
        self._running: list[StepProcess] = []
        self._lines: SimpleQueue[tuple[Shard, str] | None] = SimpleQueue()

    def run(self, on_line: Callable[[Shard, str], None]) -> list[ShardOutcome]:
        """Run all shards to their ends and return how each ended, in the order of shards.

        Raises:
            MisconfiguredError: The command cannot be started.
        """
        with ThreadPoolExecutor(self._parallel, thread_name_prefix="shard") as pool:
            futures = [pool.submit(self._run_shard, context) for context in self._contexts]
            try:
                self._follow(on_line)
            except BaseException:
                # Airflow's timeout and Ctrl-C arrive here; the pool then waits for the ends.
                self.stop()
                raise
        return [future.result() for future in futures]

    def stop(self) -> None:
        """Ask every process to stop; callable from a signal handler, any number of times."""
        self._stopping.set()
        for process in tuple(self._running):
            process.stop()

    def _follow(self, on_line: Callable[[Shard, str], None]) -> None:
        ended = 0
        while ended < len(self._contexts):
            item = self._lines.get()
            if item is None:
                ended += 1
            else:
                on_line(*item)

    def _run_shard(self, context: StepContext) -> ShardOutcome:
        tail: deque[str] = deque(maxlen=TAIL_LINES)

        def on_line(line: str) -> None:
            tail.append(line)
            self._lines.put((context.shard, line))

        try:
            outcome = self._run_process(context, on_line)
            if not outcome.done:
                self.stop()
            return ShardOutcome(context.shard, outcome, tuple(tail))
        except BaseException:
            self.stop()
            raise
        finally:
            self._lines.put(None)

    def _run_process(self, context: StepContext, on_line: Callable[[str], None]) -> ProcessOutcome:
        if self._stopping.is_set():
            return STOPPED
        started_at = dt.datetime.now(dt.UTC)
        process = StepProcess(
            context, self._command, env=self._env, grace_seconds=self._grace_seconds
        )
        with process:
            self._running.append(process)
            if self._stopping.is_set():  # asked between the check above and the start
                process.stop()
            try:
                outcome = process.wait(on_line)
            finally:
                self._running.remove(process)
        record_process(context, outcome, started_at=started_at, facts=self._facts)
        return outcome
