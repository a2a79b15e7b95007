"""What Airflow would say of the simulated world at a moment."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from stationmaster.monitor.facts.airflow import (
    AirflowPart,
    AirflowPipeline,
    AirflowPool,
    AirflowRun,
    AirflowTask,
)
from tests.monitor_drill.pipelines import LONDON, moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stationmaster.monitor.facts.airflow import ImportProblem
    from stationmaster.monitor.facts.trouble import Trouble
    from tests.monitor_drill.spans import Attempted, RunSpan, TaskSpan
    from tests.monitor_drill.world import World

__all__ = ["PARTS", "SimulatedAirflow"]

PARTS: Final = ("scheduler", "dag-processor", "triggerer", "metadatabase")
BEAT: Final = dt.timedelta(seconds=5)
AIRFLOWS_PATIENCE: Final = dt.timedelta(seconds=30)
"""After so long without a heartbeat Airflow itself calls a part unhealthy."""

SLOTS: Final = 128


@dataclass(frozen=True, kw_only=True)
class SimulatedAirflow:
    """Answer as `AirflowFacts`.

    Args:
        world: What happens.
        now: The moment.
        paused: Pipelines that somebody paused.
        problems: DAG files that cannot be read.
        slots: Of the pool in which all steps are.
        url: Where its pages would be.
    """

    world: World
    now: dt.datetime
    paused: frozenset[str] = frozenset()
    problems: tuple[ImportProblem, ...] = ()
    slots: int = SLOTS
    url: str = field(default="http://127.0.0.1:8080")

    def trouble(self) -> Trouble | None:
        """Return nothing: it answers."""
        return None

    def parts(self) -> tuple[AirflowPart, ...]:
        """Return all parts; the scheduler's last heartbeat is from before it went away."""
        away = [each for each in self.world.scheduler_away if each.holds(self.now)]
        beats = dict.fromkeys(PARTS, self.now - BEAT)
        if away:
            beats["scheduler"] = min(each.since for each in away)
        return tuple(
            AirflowPart(name=name, healthy=self.now - beat <= AIRFLOWS_PATIENCE, heartbeat=beat)
            for name, beat in beats.items()
        )

    def pipelines(self) -> tuple[AirflowPipeline, ...]:
        """Return the three pipelines."""
        schedules = {
            "hourly_orders": "10 * * * *",
            "morning_analytics": "0 6 * * *",
            "nightly_finance": "30 2 * * *",
        }
        return tuple(
            AirflowPipeline(
                name=name,
                paused=name in self.paused,
                schedule=schedule,
                next_run_after=self._next(name),
                parsed_at=self.now - dt.timedelta(seconds=25),
                owners=("analytics",),
            )
            for name, schedule in schedules.items()
        )

    def runs(self) -> tuple[AirflowRun, ...]:
        """Return the runs that go on."""
        return tuple(_run(each, "running") for each in self.world.going(self.now))

    def ended_runs(self, since: dt.datetime) -> tuple[AirflowRun, ...]:
        """Return the runs that ended since a moment, the last ones first."""
        ended = [each for each in self.world.runs if since <= each.ended_at <= self.now]
        ended.sort(key=lambda each: each.ended_at, reverse=True)
        return tuple(_run(each, each.state) for each in ended[:1000])

    def tasks(self) -> tuple[AirflowTask, ...]:
        """Return the tasks that have a state and have not ended."""
        return tuple(
            task
            for run in self.world.going(self.now)
            for span in run.tasks
            if (task := self._task(run, span)) is not None
        )

    def latest_start(self) -> dt.datetime | None:
        """Return when any task began last."""
        return max(
            (
                each.started_at
                for run in self.world.runs[-200:]
                for each in run.attempts
                if each.started_at <= self.now
            ),
            default=None,
        )

    def pools(self) -> tuple[AirflowPool, ...]:
        """Return the only pool."""
        running = sum(1 for each in self.tasks() if each.state == "running")
        return (AirflowPool(name="default_pool", slots=self.slots, running=running),)

    def import_problems(self) -> tuple[ImportProblem, ...]:
        """Return what cannot be read."""
        return self.problems

    def _next(self, name: str) -> dt.datetime:
        today = self.now.astimezone(LONDON).date()
        coming = self._coming(name, today)
        return min(at for at in coming if at > self.now)

    def _coming(self, name: str, today: dt.date) -> Iterator[dt.datetime]:
        for later in range(3):
            for run in self.world.book.runs(today + dt.timedelta(days=later)):
                if run.pipeline == name:
                    yield run.at

    def _task(self, run: RunSpan, span: TaskSpan) -> AirflowTask | None:
        if not span.ready_at <= self.now < span.ended_at:
            return None
        own: dict[str, Any] = {"pipeline": run.run.pipeline, "run_id": run.run.run_id}
        own["step"] = span.step
        tries = run.run.retries + 1
        if span.wait:
            return AirflowTask(
                **own,
                state="deferred",
                tries=tries,
                scheduled_at=span.ready_at,
                queued_at=span.ready_at,
                started_at=span.ready_at,
            )
        begun = [each for each in span.attempts if each.queued_at <= self.now]
        if begun and _has_failed(begun[-1], self.now):
            return None
        if not begun or begun[-1].finished_at <= self.now:
            number = begun[-1].try_number if begun else 1
            return AirflowTask(**own, state="up_for_retry", tries=tries, try_number=number)
        last = begun[-1]
        return AirflowTask(
            **own,
            state="running" if last.started_at <= self.now else "queued",
            try_number=last.try_number,
            tries=tries,
            scheduled_at=last.queued_at,
            queued_at=last.queued_at,
            started_at=last.started_at if last.started_at <= self.now else None,
        )


def _has_failed(last: Attempted, now: dt.datetime) -> bool:
    """Tell whether no try is left, until somebody clears it."""
    is_last = last.trip is not None and last.plan.trips[-1] is last.trip
    of_all = last.try_number + last.attempt > len(last.plan.trips)
    return last.plan.fails is not None and is_last and of_all and last.finished_at <= now


def _run(span: RunSpan, state: str) -> AirflowRun:
    run = span.run
    return AirflowRun(
        pipeline=run.pipeline,
        run_id=run.run_id,
        state=state,
        kind=run.kind,
        run_after=run.at,
        interval_start=moment(run.day, dt.time()),
        interval_end=run.at,
        queued_at=run.at,
        started_at=run.at + dt.timedelta(seconds=2),
        ended_at=None if state == "running" else span.ended_at,
    )
