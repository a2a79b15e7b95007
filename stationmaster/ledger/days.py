"""Sums of each day, so that a question about months reads thousands of rows and not millions.

A day (UTC, of `recorded_at`) that is over is summed up once, into `step_day`. What was recorded
for it later makes its sums stale, and they are not used until they are made again: whoever asks
gets sums of what is summed up, and counts the rest.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from stationmaster.ledger.cost.weights import CPU_WEIGHT, GIB, MEMORY_WEIGHT
from stationmaster.ledger.engine import transaction
from stationmaster.ledger.models import attempt, rolled_day, step_day
from stationmaster.ledger.sqltime import DayOf, SecondsBetween

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["ROLL_UP_SECONDS", "day_sums", "forget_sums", "roll_up"]

ROLL_UP_SECONDS: Final = 60
"""How long the sums of one day may take."""

AGAIN_DAYS: Final = 2
"""The newest of the summed days are summed again: an `unknown` of theirs may have been replaced."""

KEY: Final = ("pipeline", "step", "verdict", "team", "capacity_type")
MIDNIGHT: Final = dt.time(tzinfo=dt.UTC)


def roll_up(engine: sa.Engine, *, today: dt.date) -> list[dt.date]:
    """Sum up the days before `today` that are not, or whose sums are stale; return them.

    Each day is a transaction of its own: it may be stopped at any time, and run twice at once.
    """
    done = []
    for day in _due(engine, today):
        with transaction(engine, writes=True, seconds=ROLL_UP_SECONDS) as connection:
            if connection.dialect.name == "postgresql":
                key = f"SELECT pg_advisory_xact_lock(hashtext('step_day'), {day.toordinal()})"
                connection.exec_driver_sql(key)
            pruned = sa.select(rolled_day.c.pruned).where(rolled_day.c.day == day)
            if connection.execute(pruned).scalar():
                continue
            _sum_up(connection, day)
        done.append(day)
    return done


def forget_sums(connection: sa.Connection, days: Iterable[dt.date]) -> None:
    """Say that sums are stale, since attempts were recorded for those days after they were made."""
    connection.execute(
        sa.delete(rolled_day).where(rolled_day.c.day.in_(list(days)), ~rolled_day.c.pruned)
    )


def day_sums(connection: sa.Connection, since: dt.date, until: dt.date) -> sa.FromClause:
    """Return sums by day, pipeline, step, verdict, team and capacity type, as a subquery.

    Args:
        connection: Of the ledger; asked which days are summed up.
        since: The first day.
        until: The last day.
    """
    within = rolled_day.c.day.between(since, until)
    rolled = set(connection.execute(sa.select(rolled_day.c.day).where(within)).scalars())
    days = [since + dt.timedelta(days=n) for n in range((until - since).days + 1)]
    summed = sa.select(step_day).where(
        step_day.c.day.between(since, until),
        sa.exists().where(rolled_day.c.day == step_day.c.day),
    )
    live = [_sums(first, last) for first, last in _spans(days, rolled)]
    return sa.union_all(summed, *live).subquery("days")


def _spans(days: Sequence[dt.date], rolled: set[dt.date]) -> list[tuple[dt.date, dt.date]]:
    """Return the runs of days that are not summed up, first and last each."""
    spans: list[tuple[dt.date, dt.date]] = []
    for day in days:
        if day in rolled:
            continue
        if spans and spans[-1][1] == day - dt.timedelta(days=1):
            spans[-1] = (spans[-1][0], day)
        else:
            spans.append((day, day))
    return spans


def _due(engine: sa.Engine, today: dt.date) -> list[dt.date]:
    with transaction(engine) as connection:
        first = connection.execute(sa.select(sa.func.min(attempt.c.recorded_at))).scalar()
        rolled = set(connection.execute(sa.select(rolled_day.c.day)).scalars())
    if first is None:
        return []
    number = (today - first.date()).days
    days = [first.date() + dt.timedelta(days=n) for n in range(number)]
    again = set(days[-AGAIN_DAYS:])
    return [day for day in days if day not in rolled or day in again]


def _sum_up(connection: sa.Connection, day: dt.date) -> None:
    connection.execute(sa.delete(step_day).where(step_day.c.day == day))
    sums = _sums(day, day)
    names = [column.name for column in step_day.columns]
    connection.execute(sa.insert(step_day).from_select(names, sums))
    connection.execute(sa.delete(rolled_day).where(rolled_day.c.day == day))
    now = dt.datetime.now(dt.UTC)
    connection.execute(sa.insert(rolled_day).values(day=day, rolled_at=now))


def _sums(first: dt.date, last: dt.date) -> sa.Select[Any]:
    """Return the sums of some days' attempts, in the order of `step_day`'s columns."""
    columns, day = attempt.c, DayOf(attempt.c.recorded_at)
    start = dt.datetime.combine(first, MIDNIGHT)
    end = dt.datetime.combine(last + dt.timedelta(days=1), MIDNIGHT)
    cost = _cost_usd()
    keys = [columns[name] for name in KEY]
    wall = sa.func.coalesce(columns.wall_seconds, 0.0)
    return (
        sa.select(
            day.label("day"),
            *keys,
            sa.func.count().label("attempts"),
            sa.func.count(cost).label("priced_attempts"),
            sa.func.coalesce(sa.func.max(columns.peak_memory_bytes), 0),
            _total(columns.rows_read, sa.BigInteger),
            _total(columns.rows_written, sa.BigInteger),
            _total(columns.bytes_read, sa.BigInteger),
            _total(columns.bytes_written, sa.BigInteger),
            _total(wall, sa.Double),
            _total(_seconds(columns.queued_at, columns.started_at), sa.Double),
            _total(columns.cpu_seconds, sa.Double),
            _total(columns.asked_memory_bytes * wall, sa.Double),
            _total(columns.peak_memory_bytes * wall, sa.Double),
            _total(cost, sa.Double),
        )
        .where(columns.recorded_at >= start, columns.recorded_at < end)
        .where(columns.verdict.is_not(None))
        .group_by(day, *keys)
    )


def _total(value: Any, kind: type[sa.types.TypeEngine[Any]]) -> sa.ColumnElement[Any]:  # noqa: ANN401 (any expression)
    return sa.cast(sa.func.coalesce(sa.func.sum(value), 0), kind)


def _cost_usd() -> sa.ColumnElement[Any]:
    """Return an attempt's cost as `stationmaster.ledger.cost.attempts` has it; a test compares."""
    c = attempt.c
    hours = _seconds(c.scheduled_at, c.finished_at) / 3600.0
    wall = sa.func.nullif(c.wall_seconds, 0.0)
    used_cores = sa.func.coalesce(c.cpu_seconds / wall, 0.0)
    asked_cores = sa.func.coalesce(c.asked_cpu_millicores, 0) / 1000.0
    memory = _larger(
        sa.func.coalesce(c.asked_memory_bytes, 0), sa.func.coalesce(c.peak_memory_bytes, 0)
    )
    mine = CPU_WEIGHT * _larger(asked_cores, used_cores) + MEMORY_WEIGHT * memory / float(GIB)
    whole = (
        CPU_WEIGHT * c.node_cpu_millicores / 1000.0
        + MEMORY_WEIGHT * c.node_memory_bytes / float(GIB)
    )
    return c.node_price_per_hour * hours * mine / sa.func.nullif(whole, 0.0)


def _larger(one: Any, other: Any) -> sa.ColumnElement[Any]:  # noqa: ANN401 (any expression)
    return sa.case((one >= other, one), else_=other)


def _seconds(start: Any, end: Any) -> sa.ColumnElement[Any]:  # noqa: ANN401 (any expression)
    """Return the seconds between two moments, 0 where one is unknown or clocks disagree."""
    return _larger(SecondsBetween(start, end), 0.0)
