"""StepExecutor: runs steps as pods, without a worker process for each.

`[core] executor = LocalExecutor,stationmaster.airflow.executor.StepExecutor`. Airflow's scheduler
decides what may run: pools, `max_active_…`, priorities and queue times are its own. What may run
is handed to the launcher, a process of its own; what needs a DAG's code goes to a few workers.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from airflow.executors import workloads
from airflow.executors.base_executor import BaseExecutor
from airflow.executors.local_executor import LocalExecutor
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import TaskInstanceState
from sqlalchemy import select
from sqlalchemy.orm import joinedload, object_session

from stationmaster.airflow.launcher.handle import LauncherHandle
from stationmaster.airflow.launcher.handover import is_to_be_finished
from stationmaster.airflow.launcher.messages import Order, ReportKind
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.executors.workloads import ExecuteTask, ExecutorWorkload
    from sqlalchemy.orm import Session

    from stationmaster.airflow.launcher.messages import Report

__all__ = ["StepExecutor"]

STOP_SECONDS: Final = 10.0
WORKERS_SECONDS: Final = 15.0
"""What workers get to end in; a step of theirs runs on in its pod, and is found again."""

LONGEST_PAUSE: Final = 30.0
WATCH_WORKER_SECONDS: Final = 90.0
"""After that time the launcher watches whether a worker lives."""


class StepExecutor(BaseExecutor):
    """Hand steps to the launcher, and what only a worker can do to workers.

    A task's event goes to the scheduler only after its state is persisted: it would take an event
    of a task that is still running for a task that was killed.
    """

    is_local = False
    supports_callbacks = False

    def __init__(self, parallelism: int | None = None, team_name: str | None = None) -> None:
        settings = Settings()
        super().__init__(parallelism or settings.steps_at_once, team_name)
        self._launcher = LauncherHandle()
        self._workers = LocalExecutor(  # type: ignore[no-untyped-call]
            parallelism=settings.workers
        )
        self._mine: dict[str, ExecuteTask] = {}
        """By task instance id: what this executor has taken on."""
        self._ids: dict[Any, str] = {}
        """By key; a run that was deleted and made again has the same keys and other ids."""
        self._for_workers: set[str] = set()
        self._waiting: deque[str] = deque()
        """For a worker, in order."""
        self._given: dict[Any, str] = {}
        """By key: what the workers have just now."""
        self._worker_failures: dict[str, int] = {}
        self._again: dict[str, float] = {}
        """When the launcher is to look where a worker's task stands."""

    def start(self) -> None:
        """Start the workers, then the launcher."""
        self._workers.job_id = self.job_id
        self._workers.start()
        self._launcher.keep()

    def queue_workload(self, workload: ExecutorWorkload, session: Session) -> None:
        """Take a task; one that comes back to be finished is for a worker."""
        super().queue_workload(workload, session)
        if isinstance(workload, workloads.ExecuteTask):
            row = session.get(TaskInstance, workload.ti.id)
            if row is not None and is_to_be_finished(row):
                self._for_workers.add(str(workload.ti.id))

    def _process_workloads(self, workload_items: Sequence[ExecutorWorkload]) -> None:
        for workload in workload_items:
            if isinstance(workload, workloads.ExecuteTask):
                self.queued_tasks.pop(workload.key, None)
                self._take(workload)

    def sync(self) -> None:
        """Start the launcher again where it died; pass on what has ended."""
        if self._launcher.keep():
            for ti_id, workload in self._mine.items():
                if ti_id not in self._for_workers:
                    self._launcher.send(_order(workload))
                elif ti_id not in self._waiting and ti_id not in self._given.values():
                    self._again.setdefault(ti_id, time.monotonic())  # that order died with it
        for report in self._launcher.receive():
            self._hear(report)
        self._give_to_workers()
        self._workers.heartbeat()
        for key, (state, info) in self._workers.get_event_buffer().items():
            self._hear_worker(key, state, info)
        self._send_again()

    def get_task_log(self, ti: TaskInstance, try_number: int) -> tuple[list[str], list[str]]:
        """Say where a task's log is kept, so that nobody asks a worker for it."""
        del ti, try_number
        if not Settings().logs:
            return [], []
        return ["StepExecutor: the step's log comes from the log store"], []

    def end(self) -> None:
        """Let go of everything: pods run on, and the next scheduler finds them by name."""
        self._launcher.stop(STOP_SECONDS)
        ending = threading.Thread(target=self._workers.end, daemon=True)
        ending.start()
        ending.join(WORKERS_SECONDS)
        for process in tuple(self._workers.workers.values()):
            with suppress(ValueError):  # it has ended meanwhile
                process.kill()

    def terminate(self) -> None:
        """Do as `end`."""
        self.end()

    def revoke_task(self, *, ti: TaskInstance) -> None:
        """Forget a task that was queued for too long, unless it has been handed on already.

        The launcher marks what it takes as running within a second; whatever it does after that
        it does once, since the pod's name is a fence.
        """
        self.queued_tasks.pop(ti.key, None)
        self._workers.queued_tasks.pop(ti.key, None)
        self._given.pop(ti.key, None)
        self._forget(str(ti.id))
        self.running.discard(ti.key)

    def try_adopt_task_instances(self, tis: Sequence[TaskInstance]) -> Sequence[TaskInstance]:
        """Adopt all of them, also those that are ours already.

        What is not adopted gets a new id and starts anew (`adopt_or_reset_orphaned_tasks`). After
        a pause of this very scheduler, Airflow offers it its own tasks.
        """
        if not tis:
            return []
        session = object_session(tis[0])
        if session is None:
            return tis
        whole = session.scalars(
            select(TaskInstance)
            .where(TaskInstance.id.in_([ti.id for ti in tis]))
            .options(joinedload(TaskInstance.dag_run), joinedload(TaskInstance.dag_model))
            .execution_options(populate_existing=True)
        ).unique()
        for ti in whole:
            # The purge of tasks without a heartbeat must not strike before the launcher speaks.
            ti.last_heartbeat_at = _now()
            self._adopt(ti)
        return []

    def change_state(
        self,
        key: Any,  # noqa: ANN401 (as the base class)
        state: Any,  # noqa: ANN401 (as above)
        info: Any = None,  # noqa: ANN401 (as above)
        remove_running: bool = True,  # noqa: FBT001, FBT002 (as above)
    ) -> None:
        """Tell the scheduler how a task ended; refuse to be told so by it while the task is ours.

        Its purge of tasks without heartbeats ends here. A pause of the whole machine makes it
        strike although the launcher is alive: the pod runs on, and its outcome counts.
        """
        ti_id = self._ids.get(key)
        if ti_id is not None and state == TaskInstanceState.FAILED:
            if ti_id in self._for_workers:
                # Its worker is gone without a word: the launcher looks, and has it queued again.
                self._given.pop(key, None)
                self._again[ti_id] = time.monotonic()
            self.log.warning("%s goes on, whatever its heartbeats say.", key)
            return
        super().change_state(key, state, info, remove_running)

    def _adopt(self, ti: TaskInstance) -> None:
        if str(ti.id) in self._mine:
            return
        workload = workloads.ExecuteTask.make(ti, generator=self.jwt_generator)
        if ti.state == TaskInstanceState.QUEUED and is_to_be_finished(ti):
            self._for_workers.add(str(ti.id))
        self._take(workload)

    def _take(self, workload: ExecuteTask) -> None:
        ti_id = str(workload.ti.id)
        self.running.add(workload.key)
        self._mine[ti_id] = workload
        self._ids[workload.key] = ti_id
        if ti_id in self._for_workers:
            self._give_to_worker(workload)
        else:
            self._launcher.send(_order(workload))

    def _hear(self, report: Report) -> None:
        workload = self._mine.get(report.ti_id)
        if workload is None:
            return
        if report.kind is ReportKind.WORKER:
            self._for_workers.add(report.ti_id)
            self._give_to_worker(workload)
            return
        current = self._ids.get(workload.key) == report.ti_id
        self._forget(report.ti_id)
        if not current:
            return  # the key belongs to another task instance by now
        if report.kind is ReportKind.OVER:
            self.success(workload.key)
        else:
            self.running.discard(workload.key)

    def _give_to_worker(self, workload: ExecuteTask) -> None:
        ti_id = str(workload.ti.id)
        if self._given.get(workload.key) == ti_id:
            del self._given[workload.key]  # that worker fell silent
        if ti_id not in self._waiting:
            self._waiting.append(ti_id)

    def _give_to_workers(self) -> None:
        """Give each free worker one task: their queue is a pipe that blocks when it is full."""
        for _ in range(len(self._waiting)):
            if len(self._given) >= self._workers.parallelism:
                return
            ti_id = self._waiting.popleft()
            workload = self._mine.get(ti_id)
            if workload is None:
                continue
            if workload.key in self._given:
                self._waiting.append(ti_id)
                continue
            # The token of the first workload is as old as the step.
            token = workloads.ExecuteTask.generate_token(ti_id, self.jwt_generator)
            fresh = workload.model_copy(update={"token": token})
            self._workers.queued_tasks[workload.key] = fresh
            self._given[workload.key] = ti_id
            self._again[ti_id] = time.monotonic() + WATCH_WORKER_SECONDS

    def _hear_worker(self, key: Any, state: Any, info: Any) -> None:  # noqa: ANN401 (as above)
        """Have the launcher look what a worker has left: its task's state, its pods.

        A worker that could not even start its task fails while the api-server is away. Failing
        the task for it would lose what its pods have done: it is tried again, later each time.
        """
        ti_id = self._given.pop(key, None)
        if ti_id is None or ti_id not in self._mine:
            return
        pause = 0.0
        if state == TaskInstanceState.FAILED:
            tries = self._worker_failures[ti_id] = self._worker_failures.get(ti_id, 0) + 1
            pause = min(2.0**tries, LONGEST_PAUSE)
            self.log.warning("A worker failed with %s (%s): again in %s s.", key, info, pause)
        self._again[ti_id] = time.monotonic() + pause

    def _send_again(self) -> None:
        for ti_id in [each for each, when in self._again.items() if when <= time.monotonic()]:
            del self._again[ti_id]
            if workload := self._mine.get(ti_id):
                self._launcher.send(_order(workload))

    def _forget(self, ti_id: str) -> None:
        workload = self._mine.pop(ti_id, None)
        if workload is not None and self._ids.get(workload.key) == ti_id:
            del self._ids[workload.key]
        self._for_workers.discard(ti_id)
        self._worker_failures.pop(ti_id, None)
        self._again.pop(ti_id, None)


def _order(workload: ExecuteTask) -> Order:
    return Order(ti=workload.ti.model_dump(mode="json"), log_path=workload.log_path)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
