"""Make the sample: a ledger of a made-up month, in a file of its own."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from stationmaster.ledger.days import roll_up
from stationmaster.ledger.engine import make_engine, transaction
from stationmaster.ledger.incidentmodels import (
    check_state,
    finding,
    incident,
    incident_event,
    notification,
    operator_action,
    watch_lease,
)
from stationmaster.ledger.models import applied_size
from stationmaster.ledger.quantities import size_text
from stationmaster.ledger.store import Ledger
from stationmaster.monitor.checks.every import EVERY_CHECK
from stationmaster.monitor.dashboard.sample.attempts import month_of_attempts
from stationmaster.monitor.dashboard.sample.shop import DAYS, MIB, NOW, PIPELINES
from stationmaster.monitor.dashboard.sample.troubles import INCIDENTS, LONE_FINDINGS, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stationmaster.monitor.checks.finding import Finding

__all__ = ["SENTENCE", "fill_sample", "make_sample", "sample_clock"]

SENTENCE: Final = (
    "A made-up shop on Tuesday 10 March 2026, 07:05. Nothing here is real; act as you like."
)
AT_ONCE: Final = 500
"""Attempts a transaction."""


def make_sample(file: Path) -> str:
    """Write the sample's ledger to a new file; return its SQLAlchemy URI."""
    file.unlink(missing_ok=True)
    uri = f"sqlite:///{file.absolute()}"
    fill_sample(uri)
    return uri


def fill_sample(uri: str) -> None:
    """Fill an empty database with the made-up month."""
    ledger, engine = Ledger.open(uri), make_engine(uri)
    try:
        ledger.migrate()
        records = list(month_of_attempts())
        for first in range(0, len(records), AT_ONCE):
            ledger.record_all(records[first : first + AT_ONCE])
        roll_up(engine, now=NOW)
        with transaction(engine, writes=True, seconds=60) as connection:
            _write_troubles(connection)
            _write_looks(connection)
            _write_sizes(connection)
    finally:
        ledger.close()
        engine.dispose()


def sample_clock() -> Callable[[], dt.datetime]:
    """Return a clock that stands at the sample's morning when it is made, and goes on."""
    begun = time.monotonic()
    return lambda: NOW + dt.timedelta(seconds=time.monotonic() - begun)


def _write_troubles(connection: sa.Connection) -> None:
    for number, trouble in enumerate(INCIDENTS, 1):
        _write_incident(connection, number, trouble)
    for each in LONE_FINDINGS:
        connection.execute(sa.insert(finding).values(_found(each, None, None)))


def _write_incident(connection: sa.Connection, number: int, trouble: Trouble) -> None:
    cause = trouble.findings[0]
    opened = cause.since + dt.timedelta(minutes=1)
    closed = None if trouble.minutes is None else opened + dt.timedelta(minutes=trouble.minutes)
    who = next((actor for _, kind, actor, _ in trouble.told if kind == "acknowledged"), "")
    state = "closed" if closed else "acknowledged" if who else "open"
    row = {
        "id": number,
        "uid": f"sample-{number}",
        "cause": str(cause.key),
        "state": state,
        "severity": cause.severity.value,
        "owner": cause.owner,
        "title": cause.what,
        "document": cause.as_document(),
        "since": cause.since,
        "opened_at": opened,
        "updated_at": closed or NOW - dt.timedelta(minutes=3),
        "gone_at": closed,
        "closed_at": closed,
        "acknowledged_at": opened + dt.timedelta(minutes=4) if who else None,
        "acknowledged_by": who,
        "judged": trouble.judged,
        "judged_by": "mara@example.com" if trouble.judged else "",
    }
    connection.execute(sa.insert(incident).values(row))
    for each in trouble.findings:
        connection.execute(sa.insert(finding).values(_found(each, number, closed)))
    _write_events(connection, number, trouble, opened)


def _write_events(
    connection: sa.Connection, number: int, trouble: Trouble, opened: dt.datetime
) -> None:
    for minutes, kind, actor, sentence in trouble.told:
        at = opened + dt.timedelta(minutes=minutes)
        event = {
            "incident_id": number,
            "at": at,
            "kind": kind,
            "actor": actor,
            "sentence": sentence,
        }
        made = connection.execute(
            sa.insert(incident_event).values(event).returning(incident_event.c.id)
        ).scalar_one()
        if kind in {"opened", "grew"}:
            sent = {
                "incident_id": number,
                "event_id": made,
                "channel": "data-team chat",
                "state": "sent",
                "attempts": 1,
                "document": {},
                "made_at": at,
                "due_at": at,
                "sent_at": at + dt.timedelta(seconds=2),
            }
            connection.execute(sa.insert(notification).values(sent))
        else:
            act = {
                "at": at,
                "actor": actor,
                "role": "operator",
                "action": {"acknowledged": "acknowledge", "commented": "comment"}[kind],
                "target": f"incident {number}",
                "via": "dashboard (oidc)",
                "document": {"sentence": sentence},
            }
            connection.execute(sa.insert(operator_action).values(act))


def _found(told: Finding, number: int | None, gone: dt.datetime | None) -> dict[str, Any]:
    return {
        "key": str(told.key),
        "check_name": told.check,
        "subject": str(told.subject),
        "business_date": told.business_date,
        "layer": told.layer.value,
        "severity": told.severity.value,
        "document": told.as_document(),
        "incident_id": number,
        "since": told.since,
        "first_seen_at": told.since + dt.timedelta(minutes=1),
        "last_seen_at": gone or NOW,
        "gone_at": gone,
        "cleared_at": gone,
    }


def _write_looks(connection: sa.Connection) -> None:
    """Write what each check said last; one could not look, and a laptop has no cluster."""
    standing = [
        each for trouble in INCIDENTS if trouble.minutes is None for each in trouble.findings
    ]
    counts: dict[str, int] = {}
    for each in (*standing, *LONE_FINDINGS):
        counts[each.check] = counts.get(each.check, 0) + 1
    at = NOW - dt.timedelta(seconds=40)
    for check in EVERY_CHECK:
        row = {
            "check_name": check.name,
            "looked_at": at,
            "answered_at": at,
            "outcome": "found" if check.name in counts else "clear",
            "findings": counts.get(check.name, 0),
            "seconds": 0.02,
        }
        if check.name == "report-unread":
            away = "https://reports.example.com did not answer within 5 s"
            row |= {"outcome": "unknown", "answered_at": NOW - dt.timedelta(hours=1), "why": away}
        connection.execute(sa.insert(check_state).values(row))
    lease = {"name": "watcher", "holder": "watcher-7d9f-x2k", "until": NOW, "looked_at": at}
    connection.execute(sa.insert(watch_lease).values(lease))


def _write_sizes(connection: sa.Connection) -> None:
    for pipeline in PIPELINES:
        for step in pipeline.steps:
            peak = round(step.peak * (1 + step.growth) ** DAYS)
            wanted = round(peak * 1.15 / 64) * 64 * MIB
            row = {
                "pipeline": pipeline.name,
                "step": step.name,
                "job": step.job,
                "applied_at": NOW - dt.timedelta(days=6),
                "mode": "recommend",
                "memory_bytes": step.asked * MIB,
                "declared_memory_bytes": step.asked * MIB,
                "recommended_memory_bytes": wanted,
                "why": f"largest recent peak {size_text(peak * MIB)} times 1.15",
            }
            connection.execute(sa.insert(applied_size).values(row))
