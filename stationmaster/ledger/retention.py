"""Remove attempts that are older than the policy keeps; sums of their days stay."""

from __future__ import annotations

import datetime as dt
from typing import Final

import sqlalchemy as sa

from stationmaster.ledger.days import roll_up
from stationmaster.ledger.engine import transaction
from stationmaster.ledger.incidentretention import prune_incidents
from stationmaster.ledger.models import attempt, rolled_day

__all__ = ["prune"]

AT_ONCE: Final = 5000
"""Rows that one transaction removes: recorders wait for none of them longer than milliseconds."""

PRUNE_SECONDS: Final = 60


def prune(engine: sa.Engine, *, keep_days: int, now: dt.datetime) -> int:
    """Remove the attempts whose last word is older than `keep_days` days; return how many.

    Their days are summed up first. Incidents that were closed before then go too. It may be stopped
    at any time, and run twice at once.

    Args:
        engine: Of the ledger.
        keep_days: At least 1: yesterday's attempts stay in any case.
        now: From when they count.

    Raises:
        ValueError: Less than a day is to be kept.
    """
    if keep_days < 1:
        msg = f"{keep_days} days are no policy: at least 1 is kept"
        raise ValueError(msg)
    first_kept = now.astimezone(dt.UTC).date() - dt.timedelta(days=keep_days)
    roll_up(engine, now=now)
    _mark(engine, first_kept)
    before = dt.datetime.combine(first_kept, dt.time(tzinfo=dt.UTC))
    number = 0
    while removed := _remove_some(engine, before):
        number += removed
    prune_incidents(engine, before)
    return number


def _mark(engine: sa.Engine, first_kept: dt.date) -> None:
    """Say that the sums of those days cannot be made again."""
    with transaction(engine, writes=True, seconds=PRUNE_SECONDS) as connection:
        old = rolled_day.c.day < first_kept
        connection.execute(sa.update(rolled_day).where(old).values(pruned=True))


def _remove_some(engine: sa.Engine, before: dt.datetime) -> int:
    key = list(attempt.primary_key)
    oldest = sa.select(*key).where(attempt.c.recorded_at < before).limit(AT_ONCE)
    with transaction(engine, writes=True, seconds=PRUNE_SECONDS) as connection:
        done = connection.execute(sa.delete(attempt).where(sa.tuple_(*key).in_(oldest)))
        return int(done.rowcount)
