"""Steps: sizes declared, given and recommended; how they went day by day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from stationmaster.ledger.days import day_sums
from stationmaster.ledger.models import applied_size, attempt
from stationmaster.monitor.series.ledger_commands import outlooks_of
from stationmaster.monitor.series.ledgerrows import read_steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stationmaster.monitor.dashboard.reading.source import Source
    from stationmaster.monitor.series.outlooks import StepOutlook

__all__ = ["StepDay", "StepRow", "outlooks", "step_days", "steps"]

RECENT: Final = dt.timedelta(hours=26)
MOST_STEPS: Final = 5000
TREND_DAYS: Final = 60
OUTLOOK_DAYS: Final = 84
MOST_ROWS: Final = 5000
"""Attempts that a forecast reads at most: a step of every minute is foretold by fewer days."""


@dataclass(frozen=True)
class StepRow:
    """Hold one step as it went lately; sizes in bytes, None where unknown.

    Args:
        declared: What its author declares.
        given: What its attempts asked for.
        recommended: What the ledger recommends.
        peak: The most it used.
        why: The size's reason.
    """

    pipeline: str
    step: str
    attempts: int
    failed: int
    seconds: float | None
    declared: int | None
    given: int | None
    recommended: int | None
    peak: int | None
    why: str

    @property
    def fullness(self) -> float | None:
        """Return the peak's share of what is given."""
        return self.peak / self.given if self.peak and self.given else None


@dataclass(frozen=True)
class StepDay:
    """Hold one day of a step; `peak` in bytes, `seconds` per attempt."""

    day: dt.date
    attempts: int
    failed: int
    peak: int
    seconds: float
    rows: int
    dollars: float


def steps(source: Source, pipeline: str = "") -> list[StepRow]:
    """Return the steps that ran lately: those that failed first, then the fullest.

    Args:
        source: The ledger.
        pipeline: Only this one's.
    """
    found = source.kept("steps", lambda: _steps(source), seconds=15)
    mine = [row for row in found if not pipeline or row.pipeline == pipeline]
    return sorted(mine, key=lambda row: (-row.failed, -(row.fullness or 0), row.pipeline, row.step))


def step_days(source: Source, pipeline: str, step: str) -> list[StepDay]:
    """Return a step's last two months by day (UTC), oldest first."""
    return source.kept(
        ("step-days", pipeline, step),
        lambda: source.ask(lambda c: _days(source, c, pipeline, step)),
        seconds=60,
    )


def outlooks(source: Source, pipeline: str, step: str) -> list[StepOutlook]:
    """Return what a step is heading for: memory, duration, what it sets aside."""
    known = step_days(source, pipeline, step)
    daily = max((day.attempts for day in known), default=1)
    days = min(OUTLOOK_DAYS, MOST_ROWS // max(1, daily))
    newest = max((day.day for day in known), default=source.now().date())
    since = newest - dt.timedelta(days=days)
    return source.kept(
        ("outlooks", pipeline, step),
        lambda: outlooks_of(read_steps(source.engine, since=since, pipeline=pipeline, step=step)),
        seconds=300,
    )


def _steps(source: Source) -> list[StepRow]:
    c = attempt.c
    failed = sa.case((c.verdict.is_(None) | (c.verdict == "succeeded"), 0), else_=1)
    query = (
        sa.select(
            c.pipeline,
            c.step,
            sa.func.count().label("attempts"),
            sa.func.sum(failed).label("failed"),
            sa.func.avg(c.wall_seconds).label("seconds"),
            sa.func.max(c.declared_memory_bytes).label("declared"),
            sa.func.max(c.asked_memory_bytes).label("given"),
            sa.func.max(c.peak_memory_bytes).label("peak"),
        )
        .where(c.recorded_at >= source.now() - RECENT)
        .group_by(c.pipeline, c.step)
    )
    sizes = _sizes(source)
    rows = source.rows(query, most=MOST_STEPS)
    return [_row(row, sizes.get((row["pipeline"], row["step"]))) for row in rows]


def _row(row: dict[str, Any], size: dict[str, Any] | None) -> StepRow:
    told = {} if size is None else size
    seconds = row.pop("seconds")
    return StepRow(
        **{**row, "failed": int(row["failed"] or 0)},
        seconds=None if seconds is None else float(seconds),
        recommended=told.get("recommended_memory_bytes") or told.get("memory_bytes"),
        why=str(told.get("why") or ""),
    )


def _sizes(source: Source) -> dict[tuple[str, str], dict[str, Any]]:
    """Return each step's newest applied size."""
    c = applied_size.c
    query = sa.select(
        c.pipeline, c.step, c.applied_at, c.memory_bytes, c.recommended_memory_bytes, c.why
    ).order_by(c.applied_at)
    return {(row["pipeline"], row["step"]): row for row in source.rows(query, most=50_000)}


def _days(source: Source, connection: sa.Connection, pipeline: str, step: str) -> list[StepDay]:
    today = source.now().astimezone(dt.UTC).date()
    sums = day_sums(connection, today - dt.timedelta(days=TREND_DAYS), today)
    s = sums.c
    query = (
        sa.select(
            s.day,
            s.verdict,
            sa.func.sum(s.attempts),
            sa.func.max(s.peak_memory_bytes),
            sa.func.sum(s.wall_seconds),
            sa.func.sum(s.rows_written),
            sa.func.sum(s.cost_usd),
        )
        .where(s.pipeline == pipeline, s.step == step)
        .group_by(s.day, s.verdict)
    )
    return _by_day(connection.execute(query).all())


def _by_day(rows: Sequence[Any]) -> list[StepDay]:
    found: dict[dt.date, StepDay] = {}
    for told, verdict, attempts, peak, seconds, written, dollars in rows:
        day = told if isinstance(told, dt.date) else dt.date.fromisoformat(str(told))
        old = found.get(day, StepDay(day, 0, 0, 0, 0.0, 0, 0.0))
        found[day] = StepDay(
            day,
            old.attempts + int(attempts),
            old.failed + (0 if verdict == "succeeded" else int(attempts)),
            max(old.peak, int(peak or 0)),
            old.seconds + float(seconds or 0),
            old.rows + int(written or 0),
            old.dollars + float(dollars or 0),
        )
    return [
        StepDay(d.day, d.attempts, d.failed, d.peak, d.seconds / d.attempts, d.rows, d.dollars)
        for d in sorted(found.values(), key=lambda each: each.day)
    ]
