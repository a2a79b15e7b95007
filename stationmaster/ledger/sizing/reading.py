"""Read from the ledger what sizing needs: the runs of each step, and the sizes in force."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import sqlalchemy as sa

from stationmaster.ledger.engine import transaction
from stationmaster.ledger.models import applied_size, attempt, step_day
from stationmaster.ledger.sizing.observations import Observation

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterable

__all__ = [
    "MOST_RUNS",
    "AttemptRow",
    "StepHistory",
    "StepKey",
    "histories_of",
    "read_attempts",
    "read_busy_steps",
    "read_sizes_around",
    "read_sizes_in_force",
]

SUCCEEDED: Final = "succeeded"
OUT_OF_MEMORY: Final = "out_of_memory"
MOST_RUNS: Final = 400
"""Attempts of a step that are read: older ones change no size."""

READING_SECONDS: Final = 120.0


class StepKey(NamedTuple):
    """Name what has a size of its own: a job in a step of a pipeline, for a class of parameters."""

    pipeline: str
    step: str
    job: str
    parameter_class: str = ""

    @property
    def task(self) -> str:
        """Return it as one text."""
        name = f"{self.pipeline}/{self.step} ({self.job})"
        return f"{name} [{self.parameter_class}]" if self.parameter_class else name


class AttemptRow(NamedTuple):
    """Hold what is read of one attempt; names as in the ledger."""

    pipeline: str
    step: str
    job: str
    parameter_class: str
    try_id: str
    shard: int
    attempt: int
    submitted_at: dt.datetime
    verdict: str
    peak_memory_bytes: int | None
    asked_memory_bytes: int | None
    declared_memory_bytes: int | None
    asked_cpu_millicores: int | None
    declared_cpu_millicores: int | None
    input_bytes: int | None
    wall_seconds: float | None
    cpu_seconds: float | None
    throttled_seconds: float | None
    proved_too_small_bytes: int | None


@dataclass
class StepHistory:
    """Hold the runs of one step, oldest first, and what it declares, in bytes and millicores."""

    key: StepKey
    runs: list[Observation] = field(default_factory=list)
    declared_bytes: int = 0
    declared_millicores: int = 0
    too_small: int = 0
    """What its last out-of-memory proved too small; 0: it had none."""
    unmeasured: int = 0
    """Runs that told no peak, or one that cannot be: they size nothing."""


def read_attempts(  # noqa: PLR0913 (one keyword for each way to name steps)
    engine: sa.Engine,
    *,
    since: dt.datetime,
    pipeline: str | None = None,
    step: str | None = None,
    steps: Collection[tuple[str, str]] | None = None,
    most: int = MOST_RUNS,
) -> list[AttemptRow]:
    """Return the attempts that say what a step needs, the last `most` of each, oldest first.

    Args:
        engine: Of the ledger's database.
        since: Recorded from then on.
        pipeline: Of this one only.
        step: Likewise.
        steps: Of these only: pairs of pipeline and step.
        most: Attempts of each step and class of parameters.

    Those are the ones that succeeded or ran out of memory: what failed otherwise says nothing of
    what a whole run needs.
    """
    submitted = sa.func.coalesce(attempt.c.queued_at, attempt.c.started_at, attempt.c.recorded_at)
    key = (attempt.c.pipeline, attempt.c.step, attempt.c.job, attempt.c.parameter_class)
    names = [name for name in AttemptRow._fields if name != "submitted_at"]
    recent = sa.select(
        *(attempt.c[name] for name in names),
        submitted.label("submitted_at"),
        sa.func.row_number()
        .over(partition_by=key, order_by=attempt.c.recorded_at.desc())
        .label("age"),
    ).where(attempt.c.verdict.in_((SUCCEEDED, OUT_OF_MEMORY)), attempt.c.recorded_at >= since)
    if pipeline is not None:
        recent = recent.where(attempt.c.pipeline == pipeline)
    if step is not None:
        recent = recent.where(attempt.c.step == step)
    if steps is not None:
        recent = recent.where(sa.tuple_(attempt.c.pipeline, attempt.c.step).in_(list(steps)))
    found = recent.subquery()
    query = (
        sa.select(*(found.c[name] for name in AttemptRow._fields))
        .where(found.c.age <= most)
        .order_by(*(found.c[name] for name in AttemptRow._fields[:4]), found.c.submitted_at)
        .order_by(found.c.try_id, found.c.shard, found.c.attempt)
    )
    with transaction(engine, seconds=READING_SECONDS) as connection:
        return [AttemptRow(*row) for row in connection.execute(query)]


def read_busy_steps(engine: sa.Engine, *, since: dt.date, most: int) -> list[tuple[str, str]]:
    """Return the steps that ran most often, as pairs of pipeline and step, by the sums of days."""
    runs = sa.func.sum(step_day.c.attempts)
    query = (
        sa.select(step_day.c.pipeline, step_day.c.step)
        .where(step_day.c.day >= since, step_day.c.verdict.in_((SUCCEEDED, OUT_OF_MEMORY)))
        .group_by(step_day.c.pipeline, step_day.c.step)
        .order_by(runs.desc(), step_day.c.pipeline, step_day.c.step)
        .limit(most)
    )
    with transaction(engine, seconds=READING_SECONDS) as connection:
        return [(row[0], row[1]) for row in connection.execute(query)]


def read_sizes_around(
    engine: sa.Engine, steps: Collection[tuple[str, str]], moment: dt.datetime
) -> dict[StepKey, tuple[int, int | None]]:
    """Return of these steps the size in force, and the one that was at a moment; bytes, or None.

    Args:
        engine: Of the ledger's database.
        steps: Pairs of pipeline and step.
        moment: Such as a day ago.
    """
    table = applied_size
    key = [table.c[name] for name in StepKey._fields]
    mine = sa.tuple_(table.c.pipeline, table.c.step).in_(list(steps))

    def newest(*conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
        age = sa.func.row_number().over(partition_by=key, order_by=table.c.applied_at.desc())
        ranked = sa.select(*key, table.c.memory_bytes, age.label("age")).where(mine, *conditions)
        rows = ranked.subquery()
        return sa.select(*(rows.c[name] for name in (*StepKey._fields, "memory_bytes"))).where(
            rows.c.age == 1
        )

    with transaction(engine, seconds=READING_SECONDS) as connection:
        now = {StepKey(*row[:4]): row[4] for row in connection.execute(newest())}
        then_query = newest(table.c.applied_at <= moment)
        then = {StepKey(*row[:4]): row[4] for row in connection.execute(then_query)} if now else {}
    return {each: (size, then.get(each)) for each, size in now.items()}


def read_sizes_in_force(engine: sa.Engine) -> dict[StepKey, tuple[int, dt.datetime]]:
    """Return the newest applied size of each step, bytes, and since when it holds."""
    query = sa.select(
        *(applied_size.c[name] for name in StepKey._fields),
        applied_size.c.memory_bytes,
        applied_size.c.applied_at,
    ).order_by(applied_size.c.applied_at)
    with transaction(engine) as connection:
        return {StepKey(*row[:4]): (row[4], row[5]) for row in connection.execute(query)}


def histories_of(rows: Iterable[AttemptRow]) -> list[StepHistory]:
    """Return the runs of each step: one for each shard of a try, its attempts put together.

    A run that was tried bigger after running out of memory needed what its last attempt used, and
    more than the earlier ones were given.
    """
    histories: dict[StepKey, StepHistory] = {}
    ordered = sorted(rows, key=lambda row: (row[:4], row.submitted_at, row[4:7]))
    first: dict[tuple[Any, ...], list[AttemptRow]] = {}
    for row in ordered:
        first.setdefault((row[:4], row.try_id, row.shard), []).append(row)
    for (key, _, _), attempts in first.items():
        history = histories.setdefault(StepKey(*key), StepHistory(StepKey(*key)))
        _add_run(history, sorted(attempts, key=lambda row: row.attempt))
    return list(histories.values())


def _add_run(history: StepHistory, attempts: list[AttemptRow]) -> None:
    last, begun = attempts[-1], attempts[0]
    declared = next((row.declared_memory_bytes for row in attempts if row.declared_memory_bytes), 0)
    history.declared_bytes = declared or begun.asked_memory_bytes or history.declared_bytes
    history.declared_millicores = (
        last.declared_cpu_millicores or last.asked_cpu_millicores or history.declared_millicores
    )
    killed = [row for row in attempts if row.verdict == OUT_OF_MEMORY]
    proved = max((_too_small(row) for row in killed), default=0)
    history.too_small = proved or history.too_small
    peak = last.peak_memory_bytes or 0
    seconds = last.wall_seconds or 0.0
    if max(peak, proved) <= 0 or seconds < 0:
        history.unmeasured += 1
        return
    history.runs.append(
        Observation(
            task=history.key.task,
            submitted_at=begun.submitted_at.timestamp(),
            peak_bytes=max(peak, proved),
            requested_bytes=last.asked_memory_bytes or history.declared_bytes,
            duration_seconds=seconds,
            input_bytes=last.input_bytes,
            out_of_memory=last.verdict == OUT_OF_MEMORY,
            cpu_seconds=last.cpu_seconds,
            throttled_seconds=last.throttled_seconds,
            requested_millicores=last.asked_cpu_millicores,
        )
    )


def _too_small(row: AttemptRow) -> int:
    return row.proved_too_small_bytes or row.asked_memory_bytes or 0
