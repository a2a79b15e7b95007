"""Incidents, checks, the watcher and the outbox as Prometheus sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from stationmaster.ledger.incidentmodels import (
    check_state,
    finding,
    incident,
    notification,
    silence,
    watch_lease,
)
from stationmaster.ledger.sqltime import SecondsBetween
from stationmaster.monitor.metrics.families import Sample

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

__all__ = ["NOTICE_BOUNDS_SECONDS", "checks", "incidents", "notifications", "watcher"]

NOTICE_BOUNDS_SECONDS: Final = (30, 60, 120, 300, 900, 3600, 21600, 86400)
"""Upper bounds of the buckets of the time to notice."""

MOST_OPEN: Final = 10_000


def incidents(connection: sa.Connection, now: dt.datetime) -> Iterator[Sample]:
    """Yield what is open, what was opened, what people said of it, and the time to notice."""
    del now
    c = incident.c
    open_now = sa.select(c.severity, c.owner, c.state, c.document).where(c.closed_at.is_(None))
    counts: dict[tuple[str, ...], int] = {}
    for severity, owner, state, document in connection.execute(open_now.limit(MOST_OPEN)):
        layer = str((document or {}).get("layer", ""))
        key = (str(severity), layer, str(owner), str(state))
        counts[key] = counts.get(key, 0) + 1
    for labels, number in sorted(counts.items()):
        yield Sample("stationmaster_open_incidents", labels, number)
    yield from _counted(connection, "stationmaster_incidents_total", c.severity)
    judged = c.judged != ""
    yield from _counted(connection, "stationmaster_incidents_judged_total", c.judged, judged)
    yield from _notice(connection)


def _notice(connection: sa.Connection) -> Iterator[Sample]:
    took = SecondsBetween(incident.c.since, incident.c.opened_at)
    below = (sa.func.sum(sa.case((took <= bound, 1), else_=0)) for bound in NOTICE_BOUNDS_SECONDS)
    known = sa.func.sum(sa.case((took > 0, took), else_=0.0))
    query = sa.select(sa.func.count(), known, *below).select_from(incident)
    number, seconds, *buckets = connection.execute(query).one()
    name = "stationmaster_incident_notice_seconds"
    for bound, value in zip(NOTICE_BOUNDS_SECONDS, buckets, strict=True):
        yield Sample(name, (), float(value or 0), str(float(bound)))
    yield Sample(name, (), float(number), "+Inf")
    yield Sample(name, (), float(seconds or 0), "sum")


def checks(connection: sa.Connection, now: dt.datetime) -> Iterator[Sample]:
    """Yield what each check found, and when it looked last."""
    del now
    c = finding.c
    there = (
        sa.select(c.check_name, c.layer, c.severity, sa.func.count())
        .where(c.gone_at.is_(None))
        .group_by(c.check_name, c.layer, c.severity)
    )
    for *key, number in connection.execute(there):
        yield Sample("stationmaster_findings", tuple(key), number)
    for row in connection.execute(sa.select(check_state)):
        name = (row.check_name,)
        yield Sample("stationmaster_check_outcome", (row.check_name, row.outcome), 1)
        yield Sample("stationmaster_check_look_seconds", name, row.seconds)
        looked = row.looked_at.timestamp()
        yield Sample("stationmaster_check_looked_timestamp_seconds", name, looked)
        if row.answered_at is not None:
            answered = row.answered_at.timestamp()
            yield Sample("stationmaster_check_answered_timestamp_seconds", name, answered)


def watcher(connection: sa.Connection, now: dt.datetime) -> Iterator[Sample]:
    """Yield when a watcher looked last, and how many silences hold."""
    looked = connection.execute(sa.select(sa.func.max(watch_lease.c.looked_at))).scalar()
    if looked is not None:
        yield Sample("stationmaster_watcher_looked_timestamp_seconds", (), looked.timestamp())
    c = silence.c
    holds = sa.select(sa.func.count()).where(c.begins_at <= now, c.ends_at > now)
    yield Sample("stationmaster_silences", (), float(connection.execute(holds).scalar() or 0))


def notifications(connection: sa.Connection, now: dt.datetime) -> Iterator[Sample]:
    """Yield what waits in the outbox, and what left it or was given up, by channel."""
    del now
    c = notification.c
    waiting = (
        sa.select(c.channel, sa.func.count(), sa.func.min(c.due_at))
        .where(c.sent_at.is_(None), c.state == "waiting")
        .group_by(c.channel)
    )
    for channel, number, due in connection.execute(waiting):
        yield Sample("stationmaster_notifications_waiting", (channel,), number)
        name = "stationmaster_notification_oldest_due_timestamp_seconds"
        yield Sample(name, (channel,), due.timestamp())
    ended = (
        sa.select(c.channel, c.state, sa.func.count())
        .where(c.state != "waiting")
        .group_by(c.channel, c.state)
    )
    for channel, state, number in connection.execute(ended):
        yield Sample("stationmaster_notifications_total", (channel, state), number)


def _counted(
    connection: sa.Connection,
    name: str,
    column: sa.ColumnElement[Any],
    where: sa.ColumnElement[bool] | None = None,
) -> Iterator[Sample]:
    query = sa.select(column, sa.func.count()).group_by(column)
    for value, number in connection.execute(query if where is None else query.where(where)):
        yield Sample(name, (value,), number)
