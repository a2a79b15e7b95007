"""The few workers of StepExecutor: what needs a DAG's code is done by them, one task each.

Two kinds of work wait for a worker. To **finish** a step takes seconds: its pods are done, and a
callback or an exception is left. To **execute** one takes as long as its pods. Finishes go first,
and executes never take all workers: a step that is done must not wait behind one that begins.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx
from airflow.executors import workloads
from airflow.executors.local_executor import LocalExecutor
from airflow.sdk.api.client import ServerResponseError
from airflow.utils.state import TaskInstanceState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow.executors.workloads import ExecuteTask

__all__ = ["WorkerEnd", "WorkerPool"]

SERVER_ERROR: Final = 500


@dataclass(frozen=True)
class WorkerEnd:
    """Tell that a worker is free again."""

    ti_id: str
    error: object | None = None
    """What kept it from its task; a task that failed is no error of a worker's."""

    @property
    def is_passing(self) -> bool:
        """Tell whether the worker only did not reach the api-server."""
        error = self.error
        if isinstance(error, ServerResponseError):
            return error.response.status_code >= SERVER_ERROR
        return isinstance(error, (httpx.TransportError, OSError))


@dataclass(frozen=True)
class _Given:
    ti_id: str
    finishing: bool
    deaths: int
    """How many workers had died by then."""


class WorkerPool:
    """Hand tasks to workers.

    Args:
        parallelism: How many workers there are. With one, an execute may hold up finishes.
    """

    def __init__(self, parallelism: int) -> None:
        self._workers = _Workers(parallelism=parallelism)  # type: ignore[no-untyped-call]
        self._finishes: deque[str] = deque()
        self._executes: deque[str] = deque()
        self._given: dict[Any, _Given] = {}
        """By key."""
        self._deaths = 0

    def start(self, job_id: Any) -> None:  # noqa: ANN401 (a number, or text since Airflow 3)
        """Start the workers."""
        self._workers.job_id = job_id
        self._workers.start()

    def end(self, patience_seconds: float) -> None:
        """End the workers; who is not done by then is killed: its step runs on in its pod."""
        ending = threading.Thread(target=self._workers.end, daemon=True)
        ending.start()
        ending.join(patience_seconds)
        for process in tuple(self._workers.workers.values()):
            with suppress(ValueError):  # it has ended meanwhile
                process.kill()

    def has(self, ti_id: str) -> bool:
        """Tell whether a task waits for a worker, or one has it."""
        waits = ti_id in self._finishes or ti_id in self._executes
        return waits or any(given.ti_id == ti_id for given in self._given.values())

    def may_be_lost(self, ti_id: str) -> bool:
        """Tell whether a worker has died since the task was given to one."""
        return any(
            given.ti_id == ti_id and given.deaths < self._deaths for given in self._given.values()
        )

    def wait(self, ti_id: str, *, finishing: bool) -> None:
        """Have a task wait for a worker."""
        if not self.has(ti_id):
            (self._finishes if finishing else self._executes).append(ti_id)

    def forget(self, ti_id: str) -> None:
        """Let a task wait no more; who has it may have died of it, and must not count as busy."""
        for line in (self._finishes, self._executes):
            with suppress(ValueError):
                line.remove(ti_id)
        for key in [key for key, given in self._given.items() if given.ti_id == ti_id]:
            del self._given[key]
            self._workers.queued_tasks.pop(key, None)

    def give(self, mine: Mapping[str, ExecuteTask], tokens: Any) -> list[str]:  # noqa: ANN401
        """Give each free worker one task: their queue is a pipe that blocks when it is full.

        Args:
            mine: The executor's tasks, by id; what is no longer among them waits no more.
            tokens: Airflow's JWTGenerator; the token of the first workload is as old as the step.
        """
        given: list[str] = []
        for ti_id, finishing in self._next(mine):
            workload = mine[ti_id]
            token = workloads.ExecuteTask.generate_token(ti_id, tokens)
            fresh = workload.model_copy(update={"token": token})
            self._workers.queued_tasks[workload.key] = fresh
            self._given[workload.key] = _Given(ti_id, finishing, self._deaths)
            given.append(ti_id)
        return given

    def heartbeat(self) -> list[WorkerEnd]:
        """Let the workers work; return which tasks they are done with."""
        before = set(self._workers.workers)
        self._workers.heartbeat()
        self._deaths += len(before - set(self._workers.workers))
        ends: list[WorkerEnd] = []
        for key, (state, info) in self._workers.get_event_buffer().items():
            given = self._given.pop(key, None)
            if given is not None:
                failed = state == TaskInstanceState.FAILED
                ends.append(WorkerEnd(given.ti_id, (info or "no reason") if failed else None))
        return ends

    def _next(self, mine: Mapping[str, ExecuteTask]) -> Iterator[tuple[str, bool]]:
        for line, finishing in ((self._finishes, True), (self._executes, False)):
            _put_in_order(line, mine)
            for _ in range(len(line)):
                if not self._has_room(finishing=finishing):
                    break
                ti_id = line.popleft()
                if ti_id not in mine:
                    continue
                if mine[ti_id].key in self._given:
                    line.append(ti_id)  # a namesake of another run is not done yet
                    continue
                yield ti_id, finishing

    def _has_room(self, *, finishing: bool) -> bool:
        busy, most = len(self._given), self._workers.parallelism
        if finishing or most == 1:
            return busy < most
        executes = sum(not each.finishing for each in self._given.values())
        return busy < most and executes < most - 1


def _put_in_order(line: deque[str], mine: Mapping[str, ExecuteTask]) -> None:
    """Put the weightiest of a line first, by Airflow's priority; equals stay as they came."""
    if len(line) > 1:
        weights = {ti_id: mine[ti_id].ti.priority_weight for ti_id in line if ti_id in mine}
        ordered = sorted(line, key=lambda ti_id: -weights.get(ti_id, 0))
        line.clear()
        line.extend(ordered)


class _Workers(LocalExecutor):
    """LocalExecutor that also tells why a worker could not run its task."""

    def _read_results(self) -> None:
        while not self.result_queue.empty():
            key, state, error = self.result_queue.get()
            self.change_state(key, state, error)
