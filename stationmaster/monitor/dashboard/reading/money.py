"""What it cost: by day and by pipeline, from sums."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from stationmaster.ledger.days import day_sums

if TYPE_CHECKING:
    from stationmaster.monitor.dashboard.reading.source import Source

__all__ = ["DayCost", "Money", "PipelineCost", "money"]

DAYS = 62
GOOD_SECONDS = 60.0


@dataclass(frozen=True)
class DayCost:
    """Hold what one day cost, US dollars; `unpriced` attempts have no price."""

    day: dt.date
    dollars: float
    attempts: int
    unpriced: int


@dataclass(frozen=True)
class PipelineCost:
    """Hold what a pipeline cost this month, and in as many days of the month before."""

    name: str
    this_month: float
    month_before: float
    attempts: int
    failed: float
    """Of this month: for attempts that did not succeed."""


@dataclass(frozen=True)
class Money:
    """Hold what everything cost.

    Args:
        days: The last two months, oldest first; the last one goes on.
        pipelines: The dearest first.
    """

    days: tuple[DayCost, ...]
    pipelines: tuple[PipelineCost, ...]

    @property
    def is_priced(self) -> bool:
        """Return whether anything has a price."""
        return any(day.attempts > day.unpriced for day in self.days)

    @property
    def yesterday(self) -> DayCost | None:
        """Return the last whole day; None: no data."""
        return self.days[-2] if len(self.days) > 1 else None

    @property
    def usual(self) -> float | None:
        """Return the middle of the same weekdays before yesterday; None: too few."""
        same = sorted(day.dollars for day in self.days[-9::-7])
        return same[len(same) // 2] if len(same) > 2 else None  # noqa: PLR2004 (of two there is no middle)

    @property
    def this_month(self) -> float:
        """Return what this month cost so far."""
        return sum(each.this_month for each in self.pipelines)

    @property
    def month_before(self) -> float:
        """Return what as many days of the month before cost."""
        return sum(each.month_before for each in self.pipelines)


def money(source: Source) -> Money:
    """Return what the last two months cost; days are UTC, as the ledger's sums are."""
    return source.kept(
        "money", lambda: source.ask(lambda c: _read(source, c)), seconds=GOOD_SECONDS
    )


def _read(source: Source, connection: sa.Connection) -> Money:
    today = source.now().astimezone(dt.UTC).date()
    since = today - dt.timedelta(days=DAYS - 1)
    sums = day_sums(connection, since, today, steps=False)
    totals = (sums.c.cost_usd, sums.c.attempts, sums.c.priced_attempts)
    by_day = sa.select(sums.c.day, *map(sa.func.sum, totals)).group_by(sums.c.day)
    days = [(_day(day), *rest) for day, *rest in connection.execute(by_day)]
    return Money(_days(days, since, today), _pipelines(connection, sums, today))


def _day(day: Any) -> dt.date:  # noqa: ANN401 (sqlite has a text where a day was computed)
    return day if isinstance(day, dt.date) else dt.date.fromisoformat(str(day))


def _days(rows: list[tuple[Any, ...]], since: dt.date, today: dt.date) -> tuple[DayCost, ...]:
    first = min((row[0] for row in rows), default=today)
    found = {
        since + dt.timedelta(days=n): [0.0, 0, 0]
        for n in range((today - since).days + 1)
        if since + dt.timedelta(days=n) >= first
    }
    for day, dollars, attempts, priced in rows:
        if day in found:
            mine = found[day]
            mine[0] += float(dollars or 0)
            mine[1] += int(attempts or 0)
            mine[2] += int(attempts or 0) - int(priced or 0)
    return tuple(DayCost(day, each[0], int(each[1]), int(each[2])) for day, each in found.items())


def _pipelines(
    connection: sa.Connection, sums: sa.FromClause, today: dt.date
) -> tuple[PipelineCost, ...]:
    """Return what each cost; the database adds up, for days times pipelines are many."""
    first = today.replace(day=1)
    before = (first - dt.timedelta(days=1)).replace(day=1)
    until = min(before + (today - first), first - dt.timedelta(days=1))
    c = sums.c
    mine = c.day >= first
    query = sa.select(
        c.pipeline,
        _sum_where(c.cost_usd, mine),
        _sum_where(c.cost_usd, c.day.between(before, until)),
        _sum_where(c.attempts, mine),
        _sum_where(c.cost_usd, mine & (c.verdict != "succeeded")),
    ).group_by(c.pipeline)
    costs = [
        PipelineCost(name, float(now), float(then), int(attempts), float(failed))
        for name, now, then, attempts, failed in connection.execute(query)
    ]
    return tuple(sorted(costs, key=lambda each: -each.this_month))


def _sum_where(
    value: sa.ColumnElement[Any], condition: sa.ColumnElement[bool]
) -> sa.ColumnElement[Any]:
    return sa.func.coalesce(sa.func.sum(sa.case((condition, value))), 0)
