"""The questions that a dashboard asks of the ledger, each as the library asks it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from stationmaster.ledger.choosing import Choice
from stationmaster.ledger.days import day_sums
from stationmaster.ledger.models import attempt
from tests.bench.ledger_rows import DAYS, PIPELINES, STEPS

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    Question = Callable[[sa.Connection, random.Random], sa.Select[Any]]

__all__ = ["QUESTIONS"]

NEWEST: Final = (attempt.c.recorded_at.desc(), *attempt.primary_key)


def _today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


def _chosen(choice: Choice, most: int = 100) -> sa.Select[Any]:
    return sa.select(attempt).where(choice.condition()).order_by(*NEWEST).limit(most)


def _any_day(draw: random.Random) -> dt.date:
    return _today() - dt.timedelta(days=draw.randrange(2, DAYS - 2))


def _pipeline(draw: random.Random) -> str:
    return f"pipeline_{draw.randrange(PIPELINES)}"


def _step(draw: random.Random) -> str:
    return f"step_{draw.randrange(STEPS)}"


def _newest(_: sa.Connection, __: random.Random) -> sa.Select[Any]:
    return _chosen(Choice(), 50)


def _pipelines_day(_: sa.Connection, draw: random.Random) -> sa.Select[Any]:
    day = _any_day(draw)
    return _chosen(Choice(pipeline=_pipeline(draw), since=day, until=day), 1000)


def _steps_weeks(_: sa.Connection, draw: random.Random) -> sa.Select[Any]:
    day = _any_day(draw)
    since = day - dt.timedelta(days=14)
    return _chosen(Choice(pipeline=_pipeline(draw), step=_step(draw), since=since, until=day), 1000)


def _run(_: sa.Connection, draw: random.Random) -> sa.Select[Any]:
    run = f"scheduled__{_any_day(draw)}T{draw.randrange(24)}"
    return _chosen(Choice(pipeline=_pipeline(draw), run=run), 1000)


def _trace(connection: sa.Connection, draw: random.Random) -> sa.Select[Any]:
    number = sa.select(sa.func.md5(str(draw.randrange(1, 100_000))))
    return _chosen(Choice(trace=str(connection.execute(number).scalar())))


def _failures(_: sa.Connection, __: random.Random) -> sa.Select[Any]:
    since = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    bad = attempt.c.verdict != "succeeded"
    newest = sa.select(attempt).where(attempt.c.recorded_at >= since, bad)
    return newest.order_by(*NEWEST).limit(100)


def _running(_: sa.Connection, __: random.Random) -> sa.Select[Any]:
    return sa.select(attempt).where(attempt.c.verdict.is_(None)).limit(1000)


def _sums(connection: sa.Connection, days: int, *keys: str) -> sa.Select[Any]:
    since = _today() - dt.timedelta(days=days - 1)
    sums = day_sums(connection, since, _today(), steps="step" in keys)
    columns = [sums.c[key] for key in keys]
    totals = (sa.func.sum(sums.c.attempts), sa.func.sum(sums.c.cost_usd).label("cost"))
    return sa.select(*columns, *totals).group_by(*columns)


def _pipelines_month(connection: sa.Connection, _: random.Random) -> sa.Select[Any]:
    return _sums(connection, 30, "pipeline", "day", "verdict")


def _verdicts_week(connection: sa.Connection, _: random.Random) -> sa.Select[Any]:
    return _sums(connection, 7, "day", "verdict")


def _teams_quarter(connection: sa.Connection, _: random.Random) -> sa.Select[Any]:
    return _sums(connection, 90, "team")


def _dearest_steps(connection: sa.Connection, _: random.Random) -> sa.Select[Any]:
    return _sums(connection, 30, "pipeline", "step").order_by(sa.desc("cost")).limit(20)


def _steps_year(connection: sa.Connection, draw: random.Random) -> sa.Select[Any]:
    sums = day_sums(connection, _today() - dt.timedelta(days=DAYS - 2), _today())
    mine = sa.and_(sums.c.pipeline == _pipeline(draw), sums.c.step == _step(draw))
    peak = sa.func.max(sums.c.peak_memory_bytes)
    return sa.select(sums.c.day, peak).where(mine).group_by(sums.c.day)


QUESTIONS: Final[dict[str, Question]] = {
    "newest 50 attempts": _newest,
    "a pipeline's day": _pipelines_day,
    "a step's 14 days": _steps_weeks,
    "a run": _run,
    "a trace": _trace,
    "failures of 24 h": _failures,
    "what goes on": _running,
    "verdicts, 7 days": _verdicts_week,
    "pipelines by day, 30 days": _pipelines_month,
    "dearest 20 steps, 30 days": _dearest_steps,
    "teams, 90 days": _teams_quarter,
    "a step's year by day": _steps_year,
}
