"""What Airflow says of itself: its parts, runs and tasks now, pools, and files it cannot read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import datetime as dt

    from stationmaster.monitor.facts.trouble import Trouble

__all__ = [
    "AirflowFacts",
    "AirflowPart",
    "AirflowPipeline",
    "AirflowPool",
    "AirflowRun",
    "AirflowTask",
    "ImportProblem",
]


@dataclass(frozen=True, kw_only=True)
class AirflowPart:
    """Hold what one part says of its life.

    Args:
        name: scheduler, dag-processor, triggerer or metadatabase.
        healthy: Airflow's own judgement; None where none was ever started.
        heartbeat: Its last one, where it has any.
    """

    name: str
    healthy: bool | None
    heartbeat: dt.datetime | None = None


@dataclass(frozen=True, kw_only=True)
class AirflowPipeline:
    """Hold one DAG that is in use.

    Args:
        name: Its id.
        paused: Nothing of it starts by itself.
        broken: Its file cannot be imported now; what runs is its last good version.
        file: Where it is written, as its bundle names it.
        schedule: In Airflow's words; empty: only by hand or by assets.
        next_run_after: When its next run may start, where that is known.
        parsed_at: When its file was read last.
        owners: As the file says.
        tags: As the file says, sorted.
    """

    name: str
    paused: bool = False
    broken: bool = False
    file: str = ""
    schedule: str = ""
    next_run_after: dt.datetime | None = None
    parsed_at: dt.datetime | None = None
    owners: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AirflowRun:
    """Hold one run as Airflow has it now.

    Args:
        pipeline: The DAG's id.
        run_id: Airflow's.
        state: queued, running, success or failed.
        kind: scheduled, manual, backfill or asset_triggered.
        run_after: From when it might start; its data interval's end for a scheduled one.
        interval_start: Of its data, where it has one.
        interval_end: As above.
        queued_at: When it was asked for.
        started_at: When it began.
        ended_at: When it ended.
    """

    pipeline: str
    run_id: str
    state: str
    kind: str
    run_after: dt.datetime
    interval_start: dt.datetime | None = None
    interval_end: dt.datetime | None = None
    queued_at: dt.datetime | None = None
    started_at: dt.datetime | None = None
    ended_at: dt.datetime | None = None


@dataclass(frozen=True, kw_only=True)
class AirflowTask:
    """Hold one task of a run as Airflow has it now.

    Args:
        pipeline: The DAG's id.
        run_id: Its run's.
        step: The task's id.
        map_index: Of a mapped one, else -1.
        state: scheduled (may start, waits for a place), queued (handed to an executor), running,
            deferred, up_for_retry, up_for_reschedule, restarting; or of one that has ended.
        try_number: Of the try that goes or went, from 1 on.
        tries: How many it may have.
        pool: Where it takes its slots.
        slots: How many.
        executor: Where it is not the first of the configured ones.
        scheduled_at: Since when it might start.
        queued_at: When an executor was handed it.
        started_at: When this try began.
        ended_at: When it ended.
    """

    pipeline: str
    run_id: str
    step: str
    state: str
    map_index: int = -1
    try_number: int = 1
    tries: int = 1
    pool: str = "default_pool"
    slots: int = 1
    executor: str = ""
    scheduled_at: dt.datetime | None = None
    queued_at: dt.datetime | None = None
    started_at: dt.datetime | None = None
    ended_at: dt.datetime | None = None

    @property
    def name(self) -> str:
        """Return `pipeline/step`, as subjects are named."""
        return f"{self.pipeline}/{self.step}"


@dataclass(frozen=True, kw_only=True)
class AirflowPool:
    """Hold one pool's slots now.

    Args:
        name: Its name.
        slots: How many there are; None: without end.
        running: Taken by what runs.
        queued: Taken by what was handed to an executor.
        deferred: Taken by what waits in the triggerer, where the pool counts that.
        scheduled: Wanted by what may start and has no place.
    """

    name: str
    slots: int | None
    running: int = 0
    queued: int = 0
    deferred: int = 0
    scheduled: int = 0

    @property
    def is_full(self) -> bool:
        """Tell whether nothing more fits."""
        return self.slots is not None and self.running + self.queued >= self.slots


@dataclass(frozen=True, kw_only=True)
class ImportProblem:
    """Hold one DAG file that Airflow cannot read.

    Args:
        file: As its bundle names it.
        since: When Airflow found it so.
        sentence: The error's last line.
    """

    file: str
    since: dt.datetime
    sentence: str


class AirflowFacts(Protocol):
    """Tell what Airflow says now; each answer is of one look, whoever asks for it.

    Every method raises FactsNotHereError where no Airflow is named (STATIONMASTER_AIRFLOW_URL), and
    FactsUnavailableError where it does not answer.
    """

    @property
    def url(self) -> str:
        """Return where its pages are, for links; without a slash at the end."""

    def trouble(self) -> Trouble | None:
        """Return why Airflow cannot be asked; None where it answers."""

    def parts(self) -> tuple[AirflowPart, ...]:
        """Return scheduler, dag-processor, triggerer and metadatabase."""

    def pipelines(self) -> tuple[AirflowPipeline, ...]:
        """Return all DAGs that are in use, by name."""

    def runs(self) -> tuple[AirflowRun, ...]:
        """Return all runs that are queued or running."""

    def ended_runs(self, since: dt.datetime) -> tuple[AirflowRun, ...]:
        """Return the runs that ended since a moment, the last ones first, 1,000 at most."""

    def tasks(self) -> tuple[AirflowTask, ...]:
        """Return all tasks that have a state and have not ended; one without waits for others."""

    def latest_start(self) -> dt.datetime | None:
        """Return when any task began last, also one that has ended since."""

    def pools(self) -> tuple[AirflowPool, ...]:
        """Return all pools, by name."""

    def import_problems(self) -> tuple[ImportProblem, ...]:
        """Return all DAG files that cannot be read."""
