"""StepExecutor: runs steps as pods, without a worker process for each.

`[core] executor = LocalExecutor,stationmaster.airflow.executor.StepExecutor`. Airflow's scheduler
decides what may run: pools, `max_active_…`, priorities and queue times are its own. What may run
is handed to the launcher, a process of its own; what needs a DAG's code goes to a few workers.
"""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any, ClassVar, Final

from airflow.executors import workloads
from airflow.executors.base_executor import BaseExecutor
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import TaskInstanceState
from sqlalchemy import select
from sqlalchemy.orm import joinedload, object_session

from stationmaster.airflow.launcher.handle import LAUNCHER, LauncherHandle
from stationmaster.airflow.launcher.handover import is_to_be_finished
from stationmaster.airflow.launcher.messages import Order, ReportKind
from stationmaster.airflow.workerpool import WorkerPool
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.executors.workloads import ExecuteTask, ExecutorWorkload
    from sqlalchemy.orm import Session

    from stationmaster.airflow.launcher.messages import Report
    from stationmaster.airflow.workerpool import WorkerEnd

__all__ = ["StepExecutor"]

STOP_SECONDS: Final = 10.0
WORKERS_SECONDS: Final = 15.0
"""What workers get to end in; a step of theirs runs on in its pod, and is found again."""

LONGEST_PAUSE: Final = 30.0
WATCH_WORKER_SECONDS: Final = 90.0
"""After that time the launcher watches whether a worker lives."""

WORKER_TRIES: Final = 10
"""Workers that may die of one task. Each costs a minute of silence, so the tenth is no accident of
a node, an upgrade or a neighbour that took the memory: the task kills whoever runs it."""

GIVEN_UP: Final = (
    "{count} workers in a row died of this task ({why}). The usual cause is memory: its DAG file, "
    "or a callback, needs more than the scheduler's container has. Give the scheduler more memory "
    "or make the DAG file lighter, then clear the task."
)


class StepExecutor(BaseExecutor):
    """Hand steps to the launcher, and what only a worker can do to workers.

    A task's event goes to the scheduler only after its state is persisted: it would take an event
    of a task that is still running for a task that was killed.
    """

    is_local = False
    supports_callbacks = False
    launcher_command: ClassVar[Sequence[str]] = LAUNCHER

    def __init__(self, parallelism: int | None = None, team_name: str | None = None) -> None:
        settings = Settings()
        super().__init__(parallelism or settings.steps_at_once, team_name)
        self._launcher = LauncherHandle(self.launcher_command)
        self._workers = WorkerPool(settings.workers)
        self._mine: dict[str, ExecuteTask] = {}
        """By task instance id: what this executor has taken on."""
        self._ids: dict[Any, str] = {}
        """By key; a run that was deleted and made again has the same keys and other ids."""
        self._for_workers: set[str] = set()
        self._failures: dict[str, int] = {}
        """How often workers could not run a task, for the pause."""
        self._deadly: dict[str, int] = {}
        """How many workers in a row died of a task."""
        self._again: dict[str, float] = {}
        """When the launcher is to look where a worker's task stands."""

    def start(self) -> None:
        """Start the workers, then the launcher."""
        self._workers.start(self.job_id)
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
                elif not self._workers.has(ti_id):
                    self._again.setdefault(ti_id, time.monotonic())  # that order died with it
        for report in self._launcher.receive():
            self._hear(report)
        for ti_id in self._workers.give(self._mine, self.jwt_generator):
            self._again[ti_id] = time.monotonic() + WATCH_WORKER_SECONDS
        for end in self._workers.heartbeat():
            self._hear_worker(end)
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
        self._workers.end(WORKERS_SECONDS)

    def terminate(self) -> None:
        """Do as `end`."""
        self.end()

    def revoke_task(self, *, ti: TaskInstance) -> None:
        """Forget a task that was queued for too long, unless it has been handed on already.

        The launcher marks what it takes as running within a second; whatever it does after that
        it does once, since the pod's name is a fence.
        """
        self.queued_tasks.pop(ti.key, None)
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
            self._workers.wait(ti_id, finishing=True)
        else:
            self._launcher.send(_order(workload))

    def _hear(self, report: Report) -> None:
        workload = self._mine.get(report.ti_id)
        if workload is None:
            return
        if report.kind is ReportKind.WORKER:
            self._hear_that_it_waits(workload, report)
            return
        current = self._ids.get(workload.key) == report.ti_id
        self._forget(report.ti_id)
        if not current:
            return  # the key belongs to another task instance by now
        if report.kind is ReportKind.OVER:
            self.success(workload.key)
        elif report.kind is ReportKind.GIVEN_UP:
            self.fail(workload.key, report.why)
        else:
            self.running.discard(workload.key)

    def _hear_that_it_waits(self, workload: ExecuteTask, report: Report) -> None:
        """Have a worker take a task, unless one has it already and has only not begun."""
        ti_id = report.ti_id
        self._for_workers.add(ti_id)
        if report.silent or self._workers.may_be_lost(ti_id):
            self._workers.forget(ti_id)
            self._count_death(ti_id)
        if self._deadly.get(ti_id, 0) >= WORKER_TRIES:
            why = GIVEN_UP.format(count=WORKER_TRIES, why=report.why or "it does not say why")
            self._launcher.send(_order(workload, give_up=why))
        elif self._workers.has(ti_id):
            self._again.setdefault(ti_id, time.monotonic() + WATCH_WORKER_SECONDS)
        else:
            self._workers.wait(ti_id, finishing=report.finishing)

    def _hear_worker(self, end: WorkerEnd) -> None:
        """Have the launcher look what a worker has left: its task's state, its pods.

        A worker that could not even start its task fails while the api-server is away. Failing
        the task for it would lose what its pods have done: it is tried again, later each time.
        """
        if end.ti_id not in self._mine:
            return
        pause = 0.0
        if end.error is not None:
            failures = self._failures[end.ti_id] = self._failures.get(end.ti_id, 0) + 1
            pause = min(2.0**failures, LONGEST_PAUSE)
            self.log.warning("A worker failed (%s): again in %s s.", end.error, pause)
            if not end.is_passing:
                self._count_death(end.ti_id)
        self._again[end.ti_id] = time.monotonic() + pause

    def _count_death(self, ti_id: str) -> None:
        self._deadly[ti_id] = self._deadly.get(ti_id, 0) + 1

    def _send_again(self) -> None:
        for ti_id in [each for each, when in self._again.items() if when <= time.monotonic()]:
            del self._again[ti_id]
            if workload := self._mine.get(ti_id):
                self._launcher.send(_order(workload))

    def _forget(self, ti_id: str) -> None:
        workload = self._mine.pop(ti_id, None)
        if workload is not None and self._ids.get(workload.key) == ti_id:
            del self._ids[workload.key]
        self._workers.forget(ti_id)
        self._for_workers.discard(ti_id)
        self._failures.pop(ti_id, None)
        self._deadly.pop(ti_id, None)
        self._again.pop(ti_id, None)


def _order(workload: ExecuteTask, give_up: str = "") -> Order:
    told = workload.ti.model_dump(mode="json")
    return Order(ti=told, log_path=workload.log_path, give_up=give_up)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
