"""Sums of each day, so that a question about months reads thousands of rows and not millions.

Days (UTC, of `recorded_at`) are summed up into `step_day`: those that are over as a whole, today up
to a few minutes ago. What is recorded later for a time that is summed up makes the day's sums
stale, and they are not used until they are made again: whoever asks gets sums of what is summed
up, and counts the rest.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from stationmaster.ledger.cost.weights import CPU_WEIGHT, GIB, MEMORY_WEIGHT
from stationmaster.ledger.engine import transaction
from stationmaster.ledger.models import attempt, pipeline_day, rolled_day, step_day
from stationmaster.ledger.sqltime import DayOf, SecondsBetween

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["ROLL_UP_SECONDS", "day_sums", "forget_sums", "roll_up"]

ROLL_UP_SECONDS: Final = 60
"""How long the sums of one day may take."""

SETTLED: Final = dt.timedelta(minutes=10)
"""What is older than that is recorded, as a rule: a recorder's patience is a minute."""

AGAIN: Final = dt.timedelta(hours=6)
AGAIN_DAYS: Final = 2
"""The newest of the summed days are summed again after AGAIN: an `unknown` of theirs may have been
replaced, or a late record have crossed their sums."""

KEY: Final = ("pipeline", "step", "verdict", "team", "capacity_type")
DAY: Final = dt.timedelta(days=1)


def roll_up(engine: sa.Engine, *, now: dt.datetime) -> list[dt.date]:
    """Sum up the days that are not, or whose sums are stale, and today; return them.

    Each day is a transaction of its own: it may be stopped at any time, and run twice at once.
    """
    done = []
    for day in _due(engine, now):
        with transaction(engine, writes=True, seconds=ROLL_UP_SECONDS) as connection:
            if connection.dialect.name == "postgresql":
                key = f"SELECT pg_advisory_xact_lock(hashtext('step_day'), {day.toordinal()})"
                connection.exec_driver_sql(key)
            pruned = sa.select(rolled_day.c.pruned).where(rolled_day.c.day == day)
            if connection.execute(pruned).scalar():
                continue
            _sum_up(connection, day, now)
        done.append(day)
    return done


def forget_sums(
    connection: sa.Connection, recorded: Iterable[dt.datetime], now: dt.datetime
) -> None:
    """Say which sums are stale, since attempts are recorded for a time that was summed up.

    Args:
        connection: The one that records them.
        recorded: Their `recorded_at`.
        now: What is older than SETTLED counts as late.
    """
    late = {moment.astimezone(dt.UTC).date() for moment in recorded if moment < now - SETTLED}
    if late:  # from a recorder's file
        stale = (rolled_day.c.day.in_(sorted(late)), ~rolled_day.c.pruned)
        connection.execute(sa.delete(rolled_day).where(*stale))


def day_sums(
    connection: sa.Connection, since: dt.date, until: dt.date, *, steps: bool = True
) -> sa.FromClause:
    """Return sums by day, pipeline, step, verdict, team and capacity type, as a subquery.

    A key may have two rows on a day of which a part is summed up: add them up.

    Args:
        connection: Of the ledger; asked which days are summed up.
        since: The first day.
        until: The last day.
        steps: False leaves the steps out: twenty times fewer rows, for what needs none.
    """
    table = step_day if steps else pipeline_day
    query = sa.select(rolled_day.c.day, rolled_day.c.until)
    rolled = connection.execute(query.where(rolled_day.c.day.between(since, until)))
    ends = {day: end or _start_of(day + DAY) for day, end in rolled}
    summed = sa.select(table).where(
        table.c.day.between(since, until),
        sa.exists().where(rolled_day.c.day == table.c.day),
    )
    keys = tuple(column.name for column in table.primary_key)[1:]
    live = [_sums(first, last, keys) for first, last in _spans(since, until, ends)]
    return sa.union_all(summed, *live).subquery("days")


def _spans(
    since: dt.date, until: dt.date, ends: Mapping[dt.date, dt.datetime]
) -> list[tuple[dt.datetime, dt.datetime]]:
    """Return the times that are not summed up, adjoining ones as one."""
    spans: list[tuple[dt.datetime, dt.datetime]] = []
    for n in range((until - since).days + 1):
        day = since + n * DAY
        start, end = ends.get(day, _start_of(day)), _start_of(day + DAY)
        if start >= end:
            continue
        if spans and spans[-1][1] == start:
            start = spans.pop()[0]
        spans.append((start, end))
    return spans


def _due(engine: sa.Engine, now: dt.datetime) -> list[dt.date]:
    query = sa.select(rolled_day.c.day, rolled_day.c.rolled_at).where(rolled_day.c.until.is_(None))
    with transaction(engine) as connection:
        first = connection.execute(sa.select(sa.func.min(attempt.c.recorded_at))).scalar()
        rolled = {row.day: row.rolled_at for row in connection.execute(query)}
    if first is None:
        return []
    today = now.astimezone(dt.UTC).date()
    days = [first.date() + n * DAY for n in range((today - first.date()).days + 1)]
    again = {day for day in days[-AGAIN_DAYS - 1 :] if day in rolled and now - rolled[day] > AGAIN}
    return [day for day in days if day not in rolled or day in again]


def _sum_up(connection: sa.Connection, day: dt.date, now: dt.datetime) -> None:
    """Make a day's sums: the whole day's where it is over and settled, else up to what is."""
    start, end = _start_of(day), _start_of(day + DAY)
    settled = max(start, min(end, now - SETTLED))
    connection.execute(sa.delete(step_day).where(step_day.c.day == day))
    names = [column.name for column in step_day.columns]
    connection.execute(sa.insert(step_day).from_select(names, _sums(start, settled, KEY)))
    connection.execute(sa.delete(pipeline_day).where(pipeline_day.c.day == day))
    names = [column.name for column in pipeline_day.columns]
    connection.execute(sa.insert(pipeline_day).from_select(names, _of_pipelines(day)))
    connection.execute(sa.delete(rolled_day).where(rolled_day.c.day == day))
    until = None if settled == end else settled
    connection.execute(sa.insert(rolled_day).values(day=day, rolled_at=now, until=until))


def _start_of(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(tzinfo=dt.UTC))


def _of_pipelines(day: dt.date) -> sa.Select[Any]:
    """Return a day's sums of pipelines, made of those of their steps."""
    columns: list[sa.ColumnElement[Any]] = []
    for column in pipeline_day.columns:
        mine = step_day.c[column.name]
        if column.primary_key:
            columns.append(mine)
        elif column.name == "peak_memory_bytes":
            columns.append(sa.func.max(mine))
        else:
            columns.append(_total(mine, type(column.type)))
    keys = [step_day.c[column.name] for column in pipeline_day.primary_key]
    return sa.select(*columns).where(step_day.c.day == day).group_by(*keys)


def _sums(start: dt.datetime, end: dt.datetime, key: Sequence[str]) -> sa.Select[Any]:
    """Return the sums of a time's attempts, in the order of the columns of a table of sums."""
    columns, day = attempt.c, DayOf(attempt.c.recorded_at)
    cost = _cost_usd()
    keys = [columns[name] for name in key]
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
