"""What a run does, moment by moment: the attempts of its steps, and what Airflow says of them."""

from __future__ import annotations

import datetime as dt
import random
import uuid
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from tests.monitor_drill.plans import INFRASTRUCTURE, StepPlan, Trip

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.monitor_drill.plans import RunPlan

__all__ = ["Attempted", "RunSpan", "TaskSpan", "span_of"]

RETRY_SECONDS: Final = (120, 240, 480, 960)
"""As the DAG waits before it tries again."""

NEVER: Final = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, kw_only=True)
class Attempted:
    """Hold one attempt.

    Args:
        plan: Its step.
        try_id: Its try.
        try_number: From 1.
        attempt: Of the try, from 1.
        queued_at: Airflow handed it over.
        started_at: Its process began.
        finished_at: It ends.
        trip: Why it does not do its work; None: it does.
    """

    plan: StepPlan
    try_id: str
    try_number: int
    attempt: int
    queued_at: dt.datetime
    started_at: dt.datetime
    finished_at: dt.datetime
    trip: Trip | None


@dataclass(frozen=True, kw_only=True)
class TaskSpan:
    """Hold one task of a run.

    Args:
        step: Its name.
        ready_at: It might start.
        wait: It waits in the triggerer, and is no step.
        attempts: What it does.
        ended_at: When it is over.
        state: How it ends.
    """

    step: str
    ready_at: dt.datetime
    ended_at: dt.datetime
    state: str
    wait: bool = False
    attempts: tuple[Attempted, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RunSpan:
    """Hold one run."""

    run: RunPlan
    tasks: tuple[TaskSpan, ...]

    @cached_property
    def ended_at(self) -> dt.datetime:
        """Return when all of it is over."""
        return max(each.ended_at for each in self.tasks)

    @cached_property
    def state(self) -> str:
        """Return how it ends."""
        bad = any(each.state in {"failed", "upstream_failed"} for each in self.tasks)
        return "failed" if bad else "success"

    @property
    def attempts(self) -> Iterable[Attempted]:
        """Yield all attempts."""
        for task in self.tasks:
            yield from task.attempts


@dataclass
class _Course:
    """Follow one run from step to step."""

    run: RunPlan
    delivered: Mapping[str, dt.datetime]
    held_until: dt.datetime | None
    tasks: dict[str, TaskSpan] = field(default_factory=dict)

    def wait(self, plan: StepPlan) -> dt.datetime:
        begun = _seconds_later(self.run.at, 3)
        came = max(begun, self.delivered.get(plan.source, begun))
        over = came if came == begun else _seconds_later(came, 40)
        name = f"wait_for_{plan.source}"
        self.tasks[name] = TaskSpan(
            step=name, ready_at=begun, ended_at=over, state="success", wait=True
        )
        return over

    def take(self, plan: StepPlan) -> None:
        before = [self.tasks[each] for each in plan.after]
        ready = max([_seconds_later(self.run.at, 3), *(each.ended_at for each in before)])
        if plan.source:
            ready = max(ready, self.wait(plan))
        if self.held_until is not None and ready < self.held_until:
            ready = self.held_until
        bad = next((each.state for each in before if each.state != "success"), "")
        if plan.skipped or bad:
            state = "skipped" if plan.skipped or bad == "skipped" else "upstream_failed"
            self.tasks[plan.step] = TaskSpan(
                step=plan.step, ready_at=ready, ended_at=ready, state=state
            )
            return
        attempts, done = _attempts(plan, ready)
        self.tasks[plan.step] = TaskSpan(
            step=plan.step,
            ready_at=ready,
            ended_at=attempts[-1].finished_at,
            state="success" if done else "failed",
            attempts=tuple(attempts),
        )


def span_of(
    run: RunPlan,
    plans: Iterable[StepPlan],
    delivered: Mapping[str, dt.datetime],
    held_until: dt.datetime | None = None,
) -> RunSpan:
    """Return a run's course.

    Args:
        run: The run.
        plans: Its steps, causes first.
        delivered: When each source had delivered what it needs.
        held_until: Airflow's scheduler starts nothing before.
    """
    course = _Course(run, delivered, held_until)
    for plan in plans:
        course.take(plan)
    return RunSpan(run=run, tasks=tuple(course.tasks.values()))


def _attempts(plan: StepPlan, ready: dt.datetime) -> tuple[list[Attempted], bool]:
    found: list[Attempted] = []
    at, try_number, attempt = ready, 1, 1
    trips: list[Trip | None] = list(plan.trips)
    if plan.fails is None:
        trips.append(None)
    elif plan.fails < NEVER:
        trips += [None]
    for index, trip in enumerate(trips):
        cleared = plan.fails is not None and trip is None
        if cleared and plan.fails is not None:
            at = max(at, plan.fails)
        mine = _attempt(plan, at, try_number, attempt, trip)
        found.append(mine)
        if trip is not None and trip.verdict in INFRASTRUCTURE:
            at, attempt = _seconds_later(mine.finished_at, 4), attempt + 1
        else:
            delay = RETRY_SECONDS[min(index, len(RETRY_SECONDS) - 1)]
            at, attempt, try_number = _seconds_later(mine.finished_at, delay), 1, try_number + 1
    return found, found[-1].trip is None


def _attempt(
    plan: StepPlan, at: dt.datetime, try_number: int, attempt: int, trip: Trip | None
) -> Attempted:
    started = _seconds_later(at, plan.delay_seconds)
    seconds = plan.seconds if trip is None else trip.seconds
    ended = _seconds_later(started, seconds)
    if plan.stuck_until is not None and trip is None:
        ended = max(ended, plan.stuck_until)
    name = f"{plan.pipeline} {plan.run_id} {plan.step} {try_number}"
    return Attempted(
        plan=plan,
        try_id=str(uuid.UUID(int=random.Random(name).getrandbits(128))),  # noqa: S311 (a name)
        try_number=try_number,
        attempt=attempt,
        queued_at=at,
        started_at=started,
        finished_at=ended,
        trip=trip,
    )


def _seconds_later(at: dt.datetime, seconds: float) -> dt.datetime:
    return at + dt.timedelta(seconds=seconds)
