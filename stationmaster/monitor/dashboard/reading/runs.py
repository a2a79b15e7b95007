"""Runs and attempts: what goes on, what failed, when each pipeline ran last."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from stationmaster.ledger.models import attempt, pipeline_day

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stationmaster.monitor.dashboard.reading.source import Source

__all__ = [
    "PipelineRow",
    "RunRow",
    "attempts_of_run",
    "attempts_of_step",
    "failures",
    "going_on",
    "pipelines",
    "runs_of_pipeline",
]

RECENT: Final = dt.timedelta(hours=26)
"""A daily pipeline's last run lies within it, also when the clock goes back."""

KNOWN: Final = dt.timedelta(days=14)
MOST_PIPELINES: Final = 1000
MOST_GOING: Final = 200
MOST_FAILURES: Final = 100
MOST_ATTEMPTS: Final = 500
PARTS: Final = 1_000_000
"""More than a step has shards: one number for mapped task and shard."""

COLUMNS: Final = (
    *("try_id", "shard", "shards", "attempt", "pipeline", "run_id", "step", "map_index"),
    *("try_number", "job", "business_date", "team", "node", "queued_at", "created_at"),
    *("scheduled_at", "pulled_at", "started_at", "finished_at", "recorded_at"),
    *("asked_memory_bytes", "declared_memory_bytes", "size_why", "verdict", "sentence", "hint"),
    *("wall_seconds", "peak_memory_bytes", "rows_written", "capacity_type", "trace_id"),
)


@dataclass(frozen=True)
class RunRow:
    """Hold one run, by its attempts.

    Args:
        pipeline: Whose.
        run_id: Airflow's.
        business_date: The day whose data it worked on.
        began: When its first attempt began, or was queued.
        last: When its last attempt was last heard of.
        steps: How many steps began.
        done: How many of them are done, all parts.
        going: How many attempts go on.
    """

    pipeline: str
    run_id: str
    business_date: dt.date
    began: dt.datetime
    last: dt.datetime
    steps: int
    done: int
    going: int

    @property
    def state(self) -> str:
        """Return going, done, or stuck: a step ended badly, and nothing goes on."""
        if self.going:
            return "going"
        return "done" if self.done == self.steps else "stuck"


@dataclass(frozen=True)
class PipelineRow:
    """Hold a pipeline and its newest run; None: it did not run lately."""

    name: str
    run: RunRow | None
    last_day: dt.date


def going_on(source: Source) -> list[dict[str, Any]]:
    """Return the attempts without an end, those that wait first, the oldest first."""
    query = _attempts().where(attempt.c.verdict.is_(None)).order_by(attempt.c.recorded_at)
    found = source.kept("going-on", lambda: source.rows(query, most=MOST_GOING))
    return sorted(found, key=lambda row: (row["started_at"] is not None, row["recorded_at"]))


def failures(source: Source, hours: int = 24) -> list[dict[str, Any]]:
    """Return the attempts that ended badly, the newest first."""
    since = source.now() - dt.timedelta(hours=hours)
    query = _attempts().where(
        attempt.c.recorded_at >= since,
        attempt.c.verdict.is_not(None),
        attempt.c.verdict != "succeeded",
    )
    ordered = query.order_by(attempt.c.recorded_at.desc())
    return source.kept(("failures", hours), lambda: source.rows(ordered, most=MOST_FAILURES))


def attempts_of_run(source: Source, pipeline: str, run_id: str) -> list[dict[str, Any]]:
    """Return a run's attempts in order of their beginning."""
    query = _attempts().where(attempt.c.run_id == run_id, attempt.c.pipeline == pipeline)
    began = sa.func.coalesce(attempt.c.started_at, attempt.c.created_at, attempt.c.recorded_at)
    return source.rows(query.order_by(began), most=MOST_ATTEMPTS)


def attempts_of_step(
    source: Source, pipeline: str, step: str, days: int = 14
) -> list[dict[str, Any]]:
    """Return a step's attempts of the newest business dates, the newest first."""
    mine = (attempt.c.pipeline == pipeline, attempt.c.step == step)
    newest = sa.select(sa.func.max(attempt.c.business_date)).where(*mine)
    (found,) = source.rows(newest.with_only_columns(newest.selected_columns[0].label("day")))
    if found["day"] is None:
        return []
    since = found["day"] - dt.timedelta(days=days)
    query = _attempts().where(*mine, attempt.c.business_date >= since)
    order = (attempt.c.business_date.desc(), attempt.c.recorded_at.desc())
    return source.rows(query.order_by(*order), most=MOST_ATTEMPTS)


def runs_of_pipeline(source: Source, pipeline: str, days: int = 30) -> list[RunRow]:
    """Return a pipeline's runs of the newest business dates, the newest first."""
    mine = attempt.c.pipeline == pipeline
    (found,) = source.rows(sa.select(sa.func.max(attempt.c.business_date).label("day")).where(mine))
    if found["day"] is None:
        return []
    since = found["day"] - dt.timedelta(days=days)
    return source.kept(
        ("runs", pipeline, days),
        lambda: _runs(source, (mine, attempt.c.business_date >= since)),
        seconds=10,
    )


def pipelines(source: Source) -> list[PipelineRow]:
    """Return the pipelines that ran in the last two weeks, each with its newest run."""
    since = source.now() - RECENT
    recent = source.kept("runs", lambda: _newest_runs(source, since), seconds=5)
    newest = {run.pipeline: run for run in recent}
    days = source.kept("pipeline-days", lambda: _last_days(source), seconds=600)
    days |= {name: run.last.date() for name, run in newest.items()}
    return [PipelineRow(name, newest.get(name), day) for name, day in sorted(days.items())]


def _attempts() -> sa.Select[Any]:
    return sa.select(*(attempt.c[name] for name in COLUMNS))


def _last_days(source: Source) -> dict[str, dt.date]:
    since = (source.now() - KNOWN).date()
    query = (
        sa.select(pipeline_day.c.pipeline, sa.func.max(pipeline_day.c.day).label("day"))
        .where(pipeline_day.c.day >= since)
        .group_by(pipeline_day.c.pipeline)
    )
    return {row["pipeline"]: row["day"] for row in source.rows(query)}


def _newest_runs(source: Source, since: dt.datetime) -> list[RunRow]:
    """Return the run of each pipeline that began last, of those that were heard of since then.

    Which it is comes first, and is cheap; then only these runs' steps are counted.
    """
    c = attempt.c
    lately = c.recorded_at >= since
    keys = (c.pipeline, c.run_id, c.business_date)
    began = sa.func.min(_began())
    place = sa.func.row_number().over(partition_by=c.pipeline, order_by=began.desc())
    ranked = sa.select(*keys, place.label("place")).where(lately).group_by(*keys).subquery()
    found = source.rows(sa.select(*ranked.c).where(ranked.c.place == 1), most=MOST_PIPELINES)
    last = {(row["pipeline"], row["run_id"], row["business_date"]) for row in found}
    ids = sorted({row["run_id"] for row in found})
    runs = _runs(source, (lately, c.run_id.in_(ids)))
    return [run for run in runs if (run.pipeline, run.run_id, run.business_date) in last]


def _began() -> sa.ColumnElement[dt.datetime]:
    c = attempt.c
    return sa.func.coalesce(c.started_at, c.queued_at, c.recorded_at)


def _runs(source: Source, conditions: Iterable[sa.ColumnElement[bool]]) -> list[RunRow]:
    """Return runs, the newest first: a step is done when all of its parts have succeeded."""
    c = attempt.c
    part = c.map_index * PARTS + c.shard
    succeeded = sa.case((c.verdict == "succeeded", part))
    steps = (
        sa.select(
            c.pipeline,
            c.run_id,
            c.business_date,
            sa.func.min(_began()).label("began"),
            sa.func.max(sa.func.coalesce(c.finished_at, c.recorded_at)).label("last"),
            sa.func.sum(sa.case((c.verdict.is_(None), 1), else_=0)).label("going"),
            sa.func.count(sa.distinct(succeeded)).label("parts_done"),
            sa.func.count(sa.distinct(part)).label("parts"),
            sa.func.max(c.shards).label("shards"),
        )
        .where(*conditions)
        .group_by(c.pipeline, c.run_id, c.business_date, c.step)
        .subquery("steps")
    )
    s = steps.c
    done = sa.case(((s.parts_done >= s.parts) & (s.parts_done >= s.shards), 1), else_=0)
    query = sa.select(
        s.pipeline,
        s.run_id,
        s.business_date,
        sa.func.min(s.began, type_=c.recorded_at.type).label("began"),
        sa.func.max(s.last, type_=c.recorded_at.type).label("last"),
        sa.func.count().label("steps"),
        sa.func.sum(done).label("done"),
        sa.func.sum(s.going).label("going"),
    ).group_by(s.pipeline, s.run_id, s.business_date)
    rows = source.rows(query.order_by(sa.desc("began")), most=10_000)
    return [
        RunRow(**{**row, "done": int(row["done"] or 0), "going": int(row["going"] or 0)})
        for row in rows
    ]
