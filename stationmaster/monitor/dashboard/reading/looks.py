"""Checks and the watcher: who looked when, and what reached people."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from stationmaster.ledger.incidentmodels import check_state, notification, watch_lease

if TYPE_CHECKING:
    from stationmaster.monitor.dashboard.reading.source import Source

__all__ = ["Outbox", "Watching", "check_states", "outbox", "watching"]


@dataclass(frozen=True)
class Watching:
    """Say whether somebody watches.

    Args:
        looked_at: When a watcher looked last; None: never.
        holder: Which one.
        is_silent: It is too long ago, or never was.
    """

    looked_at: dt.datetime | None
    holder: str
    is_silent: bool


@dataclass(frozen=True)
class Outbox:
    """Hold what waits to be sent: how many, the oldest one's moment, the last error."""

    waiting: int
    oldest: dt.datetime | None
    given_up: int
    errors: tuple[dict[str, Any], ...]


def watching(source: Source, silent_after: dt.timedelta) -> Watching:
    """Return whether a watcher looked lately."""
    rows = source.kept("watching", lambda: source.rows(sa.select(watch_lease), most=10))
    looked = [row for row in rows if row["looked_at"] is not None]
    if not looked:
        return Watching(None, "", is_silent=True)
    last = max(looked, key=lambda row: row["looked_at"])
    silent = source.now() - last["looked_at"] > silent_after
    return Watching(last["looked_at"], last["holder"], silent)


def check_states(source: Source) -> list[dict[str, Any]]:
    """Return each check's last look: found first, then unknown, then the others by name."""
    order = {"found": 0, "unknown": 1, "clear": 2, "not-here": 3}
    rows = source.kept("checks", lambda: source.rows(sa.select(check_state), most=500))
    return sorted(rows, key=lambda row: (order.get(row["outcome"], 1), row["check_name"]))


def outbox(source: Source) -> Outbox:
    """Return what has not reached its channel."""
    n = notification.c
    columns = (n.channel, n.state, n.made_at, n.due_at, n.attempts, n.last_error)
    late = sa.select(*columns).where(n.state == "waiting", n.due_at <= source.now())
    newest = sa.select(*columns).order_by(n.id.desc())
    # What a quiet hour holds back is due later: it is not stuck.
    waiting = source.kept("outbox", lambda: source.rows(late.order_by(n.due_at), most=500))
    last = source.kept("notifications", lambda: source.rows(newest, most=500))
    since = source.now() - dt.timedelta(days=7)
    failed = [row for row in last if row["last_error"] and row["made_at"] >= since]
    return Outbox(
        waiting=len(waiting),
        oldest=min((row["made_at"] for row in waiting), default=None),
        given_up=sum(row["state"] == "given-up" for row in failed),
        errors=tuple(failed[:20]),
    )
