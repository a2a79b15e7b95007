"""Attempts as Prometheus counts them: sums that only rise, and what goes on now.

Counters are sums over all days of `step_day`, so a restart changes nothing. Days that are over are
read once and kept; each scrape reads the newest ones. An attempt whose end nobody saw (`unknown`)
is counted when its end is known: until then it is no end, and a counter cannot take it back.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from stationmaster.ledger.days import day_sums
from stationmaster.ledger.merging import UNSEEN
from stationmaster.ledger.models import attempt, rolled_day, step_day
from stationmaster.monitor.metrics.families import Sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["Totals", "open_attempts", "recent_steps", "unseen_ends"]

FRESH_DAYS: Final = 3
"""Days that are read at each scrape: the ledger sums up the newest ones again."""

MOST_FRESH_DAYS: Final = 30
"""So far back a day that is not summed up yet is read at each scrape."""

DAY: Final = dt.timedelta(days=1)
WEEK: Final = dt.timedelta(days=7)
MOST_OPEN: Final = 10_000

SUMS: Final = {
    "wall_seconds": "stationmaster_attempt_run_seconds_total",
    "waited_seconds": "stationmaster_attempt_wait_seconds_total",
    "cpu_seconds": "stationmaster_attempt_cpu_seconds_total",
    "rows_read": "stationmaster_attempt_rows_read_total",
    "rows_written": "stationmaster_attempt_rows_written_total",
    "asked_byte_seconds": "stationmaster_attempt_asked_memory_byte_seconds_total",
    "peak_byte_seconds": "stationmaster_attempt_peak_memory_byte_seconds_total",
    "cost_usd": "stationmaster_attempt_cost_usd_total",
}
"""Column of `step_day`, and the counter that it is of."""

_Key = tuple[str, str, str]
_Values = dict[_Key, list[float]]


class Totals:
    """Hold the sums of all days up to a few days ago."""

    def __init__(self) -> None:
        self._until: dt.date | None = None
        self._sums: _Values = {}

    def read(self, connection: sa.Connection, today: dt.date) -> Iterator[Sample]:
        """Yield the counters of attempts: by step and verdict, and by step."""
        fresh = _first_fresh(connection, today)
        self._catch_up(connection, fresh)
        whole = {key: list(values) for key, values in self._sums.items()}
        days = day_sums(connection, fresh, today)
        _add(whole, connection.execute(_summed(days.c).select_from(days)))
        yield from _samples(whole)

    def _catch_up(self, connection: sa.Connection, until: dt.date) -> None:
        """Add the days before `until` that are not in the sums yet; each day is whole by then."""
        if self._until == until:
            return
        columns = step_day.c
        query = _summed(columns).where(columns.day < until)
        if self._until is None or self._until > until:
            self._sums = {}
        else:
            query = query.where(columns.day >= self._until)
        _add(self._sums, connection.execute(query))
        self._until = until


def _first_fresh(connection: sa.Connection, today: dt.date) -> dt.date:
    """Return the first day that is to be read again: the newest ones, and any not summed up."""
    days = [today - n * DAY for n in range(MOST_FRESH_DAYS, FRESH_DAYS, -1)]
    whole = sa.select(rolled_day.c.day).where(
        rolled_day.c.day >= days[0], rolled_day.c.until.is_(None)
    )
    summed = set(connection.execute(whole).scalars())
    return next((day for day in days if day not in summed), today - FRESH_DAYS * DAY)


def _summed(columns: Any) -> sa.Select[Any]:  # noqa: ANN401 (columns of a table or of a subquery)
    names = ("attempts", *SUMS)
    keys = (columns.pipeline, columns.step, columns.verdict)
    sums = (sa.cast(sa.func.sum(columns[name]), sa.Double) for name in names)
    return sa.select(*keys, *sums).where(columns.verdict != UNSEEN).group_by(*keys)


def _add(whole: _Values, rows: Iterable[Sequence[Any]]) -> None:
    for row in rows:
        key, values = (str(row[0]), str(row[1]), str(row[2])), row[3:]
        mine = whole.setdefault(key, [0.0] * len(values))
        for index, value in enumerate(values):
            mine[index] += float(value or 0)


def _samples(whole: Mapping[_Key, list[float]]) -> Iterator[Sample]:
    by_step: dict[tuple[str, str], list[float]] = {}
    for (pipeline, step, verdict), (count, *values) in sorted(whole.items()):
        yield Sample("stationmaster_attempts_total", (pipeline, step, verdict), count)
        mine = by_step.setdefault((pipeline, step), [0.0] * len(values))
        for index, value in enumerate(values):
            mine[index] += value
    for step_key, values in by_step.items():
        for family, value in zip(SUMS.values(), values, strict=True):
            yield Sample(family, step_key, value)


def recent_steps(connection: sa.Connection, now: dt.datetime) -> Iterator[Sample]:
    """Yield what the attempts of the last 24 h asked for and used, by step."""
    c = attempt.c
    query = (
        sa.select(
            c.pipeline,
            c.step,
            sa.func.max(c.asked_memory_bytes),
            sa.func.max(c.peak_memory_bytes),
            sa.func.max(c.wall_seconds),
            sa.func.max(c.finished_at),
        )
        .where(c.recorded_at >= now - DAY, c.verdict.is_not(None))
        .group_by(c.pipeline, c.step)
    )
    for pipeline, step, asked, peak, longest, ended in connection.execute(query):
        key = (pipeline, step)
        told = {"asked_memory_bytes": asked, "peak_memory_bytes": peak}
        told |= {"longest_run_seconds": longest}
        told |= {"ended_timestamp_seconds": None if ended is None else ended.timestamp()}
        for name, value in told.items():
            if value is not None:
                yield Sample(f"stationmaster_step_{name}", key, float(value))


def open_attempts(connection: sa.Connection, now: dt.datetime) -> Iterator[Sample]:
    """Yield how many attempts go on, by what they wait for, and since when the oldest does."""
    del now
    c = attempt.c
    query = sa.select(c.pipeline, c.queued_at, c.created_at, c.scheduled_at, c.started_at).where(
        c.verdict.is_(None)
    )
    counts: dict[tuple[str, str], int] = {}
    oldest: dict[str, dt.datetime] = {}
    for pipeline, *times in connection.execute(query.limit(MOST_OPEN)):
        state, since = _state(*times)
        counts[pipeline, state] = counts.get((pipeline, state), 0) + 1
        if since is not None:
            oldest[state] = min(since, oldest.get(state, since))
    for key, number in counts.items():
        yield Sample("stationmaster_open_attempts", key, number)
    for state, since in oldest.items():
        name = "stationmaster_open_attempt_oldest_timestamp_seconds"
        yield Sample(name, (state,), since.timestamp())


def _state(
    queued: dt.datetime | None,
    created: dt.datetime | None,
    scheduled: dt.datetime | None,
    started: dt.datetime | None,
) -> tuple[str, dt.datetime | None]:
    """Return what an attempt waits for, or that it runs, and since when."""
    if started is not None:
        return "run", started
    if scheduled is not None:
        return "start", scheduled
    return ("pod", queued) if created is None else ("node", created)


def unseen_ends(connection: sa.Connection, now: dt.datetime) -> Iterator[Sample]:
    """Yield how many attempts of 7 days have an end that nobody saw."""
    columns = step_day.c
    since = (now - WEEK).astimezone(dt.UTC).date()
    query = sa.select(sa.func.coalesce(sa.func.sum(columns.attempts), 0)).where(
        columns.day >= since, columns.verdict == UNSEEN
    )
    yield Sample("stationmaster_unseen_ends", (), float(connection.execute(query).scalar() or 0))
