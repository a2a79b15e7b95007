"""Queues: tasks that are queued and do not start, pools that stay full."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.checks.check import check
from stationmaster.monitor.checks.finding import (
    Finding,
    Layer,
    Link,
    Severity,
    Subject,
    SubjectKind,
)
from stationmaster.monitor.checks.infrastructure.wording import (
    OWNER,
    ago,
    and_more,
    if_known,
    logs_of,
)
from stationmaster.monitor.checks.saying import duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from stationmaster.monitor.facts.airflow import AirflowTask
    from stationmaster.monitor.facts.facts import Facts

__all__ = ["launcher_dead", "pool_full_for_long", "queue_stuck"]

STUCK: Final = dt.timedelta(minutes=10)
SILENT: Final = dt.timedelta(minutes=4)
"""A launcher that died is started again after 30 seconds at most, and takes up all orders."""

LONG_FULL: Final = dt.timedelta(minutes=60)
STEP_EXECUTOR: Final = "StepExecutor"
"""In the names that Airflow has for ours."""


@check(
    "queue-stuck",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.CRITICAL,
    owner=OWNER,
    hold=dt.timedelta(minutes=3),
    clear_after=dt.timedelta(minutes=2),
)
def queue_stuck(facts: Facts) -> Iterator[Finding]:
    """Tasks have been queued for long, and nothing starts any more."""
    queued = _waiting(facts.airflow.tasks(), "queued")
    since = _oldest(queued)
    if since is None or facts.now - since < STUCK:
        return
    latest = facts.airflow.latest_start()
    if latest is not None and facts.now - latest < STUCK:
        return
    yield queue_stuck.finding(
        Subject(SubjectKind.PART, "queue"),
        what=f"{len(queued)} tasks are queued, the first {ago(since, facts.now)}, and nothing has "
        f"started {ago(latest, facts.now) if latest else 'for hours'}.",
        next_action=f"Read what the scheduler and its launcher wait for: "
        f"{logs_of(facts, 'scheduler')}.",
        since=since,
        affected=_pipelines(queued),
        links=(Link("queued tasks", f"{facts.airflow.url}/task_instances?task_state=queued"),),
        caused_by=_why_stuck(facts),
        evidence={"queued": len(queued), "steps": and_more(task.name for task in queued)},
    )


@check(
    "launcher-dead",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.CRITICAL,
    owner=OWNER,
    hold=dt.timedelta(minutes=2),
    clear_after=dt.timedelta(minutes=2),
)
def launcher_dead(facts: Facts) -> Iterator[Finding]:
    """The scheduler lives, steps are queued for its launcher, and no pod is made for any."""
    since = _launcher_silent_since(facts)
    if since is not None:
        queued = _for_launcher(facts)
        yield launcher_dead.finding(
            Subject(SubjectKind.PART, "launcher"),
            what=f"{len(queued)} steps are queued, the first {ago(since, facts.now)}, and the "
            "launcher has made no pod since; the scheduler beats.",
            next_action=f"Read what the launcher says ({logs_of(facts, 'scheduler')}); restart the "
            "scheduler's pod if it says nothing: steps that run are not harmed.",
            since=since,
            affected=_pipelines(queued),
            evidence={"queued": len(queued), "steps": and_more(task.name for task in queued)},
        )


@check(
    "pool-full-for-long",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.WARNING,
    owner=OWNER,
    hold=dt.timedelta(minutes=5),
    clear_after=dt.timedelta(minutes=5),
)
def pool_full_for_long(facts: Facts) -> Iterator[Finding]:
    """A pool is full, and steps have waited for a slot for an hour."""
    tasks = facts.airflow.tasks()
    for pool in facts.airflow.pools():
        mine = [task for task in tasks if task.pool == pool.name]
        waiting = _waiting(mine, "scheduled")
        since = _oldest(waiting)
        if not pool.is_full or since is None or facts.now - since < LONG_FULL:
            continue
        starts = [task.started_at for task in mine if task.started_at is not None]
        moves = any(facts.now - start < LONG_FULL / 2 for start in starts)
        holding = sorted((task for task in mine if task.state == "running"), key=_started)
        yield pool_full_for_long.finding(
            Subject(SubjectKind.POOL, pool.name),
            # What moves is a queue that somebody chose to be so long: a backfill, mostly.
            severity=Severity.INFO if moves else Severity.WARNING,
            what=f"All {pool.slots} slots of pool {pool.name} are taken; {len(waiting)} tasks "
            f"wait, the first {ago(since, facts.now)}, and "
            + ("it moves." if moves else f"none has begun for {duration(LONG_FULL / 2)}."),
            next_action=f"Look who holds it ({and_more(task.name for task in holding) or 'nobody'})"
            f"; end what hangs, or give it more slots: `airflow pools set {pool.name} N ''`.",
            since=since,
            affected=_pipelines(waiting),
            links=(Link("pools", f"{facts.airflow.url}/pools"),),
            evidence={"slots": pool.slots, "waiting": len(waiting), "moves": moves},
        )


def _launcher_silent_since(facts: Facts) -> dt.datetime | None:
    """Return since when steps wait for a launcher that does nothing; None where it does."""
    scheduler = {part.name: part.healthy for part in facts.airflow.parts()}.get("scheduler")
    since = _oldest(_for_launcher(facts))
    if not scheduler or since is None or facts.now - since < SILENT:
        return None
    made = [pod.created_at for pod in facts.cluster.pods() if pod.is_step]
    return None if any(at >= since for at in made) else since


def _for_launcher(facts: Facts) -> list[AirflowTask]:
    """Return the queued tasks that are steps: those of our executor, where it is named."""
    queued = _waiting(facts.airflow.tasks(), "queued")
    named = [task for task in queued if STEP_EXECUTOR in task.executor]
    return named or [task for task in queued if not task.executor]


def _why_stuck(facts: Facts) -> tuple[Subject, ...]:
    parts = {part.name: part.healthy for part in facts.airflow.parts()}
    if parts.get("scheduler") is False:
        return (Subject(SubjectKind.PART, "scheduler"),)
    silent = if_known(facts, _launcher_silent_since)
    return (Subject(SubjectKind.PART, "launcher"),) if silent is not None else ()


def _waiting(tasks: Iterable[AirflowTask], state: str) -> list[AirflowTask]:
    return [task for task in tasks if task.state == state]


def _oldest(tasks: Iterable[AirflowTask]) -> dt.datetime | None:
    """Return since when the first of them waits, in the state that it is in."""
    moments = (task.queued_at if task.state == "queued" else task.scheduled_at for task in tasks)
    return min((moment for moment in moments if moment is not None), default=None)


def _started(task: AirflowTask) -> dt.datetime:
    return task.started_at or dt.datetime.max.replace(tzinfo=dt.UTC)


def _pipelines(tasks: Iterable[AirflowTask]) -> tuple[str, ...]:
    return tuple(sorted({task.pipeline for task in tasks}))
