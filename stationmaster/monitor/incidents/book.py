"""Reading and writing what stands, inside one transaction that nobody else changes meanwhile."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from stationmaster.ledger.engine import transaction
from stationmaster.ledger.incidentmodels import (
    finding,
    incident,
    incident_event,
    notification,
    silence,
)
from stationmaster.monitor.incidents.events import EventKind
from stationmaster.monitor.incidents.matching import Matcher
from stationmaster.monitor.incidents.planning import Happening
from stationmaster.monitor.incidents.rows import (
    finding_row,
    incident_row,
    standing_finding,
    standing_incident,
)
from stationmaster.monitor.incidents.standing import MEMORY, Standing

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Sequence

    from stationmaster.monitor.incidents.events import Event
    from stationmaster.monitor.incidents.planning import Plan
    from stationmaster.monitor.incidents.standing import StandingFinding, StandingIncident

__all__ = [
    "active_silences",
    "changing",
    "read_standing",
    "write_events",
    "write_standing",
]

LOCK: Final = 0x57A7104D
"""Postgres's advisory lock of all who change incidents: watchers and people, one at a time."""


@contextmanager
def changing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Run a block in a transaction in which nobody else changes incidents."""
    with transaction(engine, writes=True) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
        yield connection


def read_standing(connection: sa.Connection, at: dt.datetime) -> Standing:
    """Return what stands: findings that count, their incidents, open and lately closed ones."""
    rows = connection.execute(sa.select(finding).where(finding.c.cleared_at.is_(None)))
    findings = tuple(standing_finding(row) for row in rows.mappings())
    theirs = {each.incident_id for each in findings if each.incident_id is not None}
    lately = incident.c.closed_at > at - MEMORY
    wanted = sa.or_(incident.c.closed_at.is_(None), lately, incident.c.id.in_(theirs))
    query = sa.select(incident).where(wanted).order_by(incident.c.id)
    incidents = tuple(standing_incident(row) for row in connection.execute(query).mappings())
    closed = [each.id for each in incidents if not each.is_open]
    left = sa.select(finding.c.key, finding.c.incident_id).where(
        finding.c.incident_id.in_(closed), finding.c.cleared_at.is_not(None)
    )
    pairs = tuple((row.key, row.incident_id) for row in connection.execute(left))
    return Standing(findings=findings, incidents=incidents, left=pairs)


def write_standing(connection: sa.Connection, before: Standing, after: Standing) -> dict[int, int]:
    """Write what changed; return the numbers that new incidents got."""
    numbers = {
        each.id: _insert(connection, incident, incident_row(each))
        for each in after.incidents
        if each.id < 0
    }
    old = {each.id: each for each in before.incidents}
    for each in after.incidents:
        if each.id > 0 and each != old.get(each.id):
            change = sa.update(incident).where(incident.c.id == each.id)
            connection.execute(change.values(incident_row(each)))
    stood = {each.number: each for each in before.findings}
    for one in after.findings:
        if one == stood.get(one.number):
            continue
        row = finding_row(replace(one, incident_id=_numbered(one.incident_id, numbers)))
        if one.number < 0:
            _insert(connection, finding, row)
        else:
            connection.execute(sa.update(finding).where(finding.c.id == one.number).values(row))
    return numbers


def write_events(
    connection: sa.Connection,
    events: Iterable[Event],
    after: Standing,
    *,
    numbers: dict[int, int],
    plan: Plan,
) -> list[Event]:
    """Write events, and the messages that they make; return them with their numbers.

    Args:
        connection: Of `changing`.
        events: What happened.
        after: What stands now.
        numbers: Which numbers new incidents got.
        plan: Decides who is told.
    """
    incidents = {each.id: each for each in after.incidents}
    written = []
    for event in events:
        number = _numbered(event.incident_id, numbers)
        now = replace(incidents[event.incident_id], id=number)
        known = replace(event, incident_id=number, document=_numbered_in(event, numbers))
        row = {
            "incident_id": number,
            "at": known.at,
            "kind": known.kind.value,
            "actor": known.actor,
            "sentence": known.sentence,
            "document": known.document or None,
        }
        event_id = _insert(connection, incident_event, row)
        if known.kind is EventKind.SILENCED:
            _forget_waiting(connection, number)
        mine = [each for each in after.findings if each.incident_id == event.incident_id]
        _write_messages(connection, event_id, _happening(connection, known, now, mine), plan)
        written.append(known)
    return written


def active_silences(connection: sa.Connection, at: dt.datetime) -> list[tuple[int, Matcher]]:
    """Return the silences that hold at a moment, by number."""
    query = sa.select(silence).where(silence.c.ends_at > at, silence.c.begins_at <= at)
    rows = connection.execute(query.order_by(silence.c.id)).mappings()
    return [(row["id"], Matcher.model_validate(row["matcher"])) for row in rows]


def _happening(
    connection: sa.Connection,
    event: Event,
    now: StandingIncident,
    findings: Sequence[StandingFinding],
) -> Happening:
    told = sa.select(notification.c.channel).where(
        notification.c.incident_id == now.id, notification.c.state != "not-needed"
    )
    sent_at = notification.c.sent_at
    last = sa.select(sa.func.max(sent_at, type_=sent_at.type))
    told_at = connection.execute(last.where(notification.c.incident_id == now.id)).scalar()
    return Happening(
        event=event,
        incident=now,
        findings=tuple(sorted(findings, key=lambda each: each.key != now.cause)),
        channels=frozenset(connection.execute(told).scalars()),
        silenced=now.silence_id is not None,
        told_at=told_at,
    )


def _write_messages(
    connection: sa.Connection, event_id: int, happening: Happening, plan: Plan
) -> None:
    for each in plan.messages(happening):
        row = {
            "incident_id": happening.incident.id,
            "event_id": event_id,
            "channel": each.channel,
            "state": "waiting",
            "document": each.document,
            "made_at": happening.event.at,
            "due_at": each.due_at,
        }
        connection.execute(sa.insert(notification).values(row))


def _forget_waiting(connection: sa.Connection, number: int) -> None:
    """Take back what waits for the morning, or for its channel: nobody wants to be told now.

    When the silence is over and the trouble is not, that is told.
    """
    waits = sa.and_(notification.c.incident_id == number, notification.c.state == "waiting")
    connection.execute(sa.update(notification).where(waits).values(state="not-needed"))


def _insert(connection: sa.Connection, table: sa.Table, row: dict[str, Any]) -> int:
    made = connection.execute(sa.insert(table).values(row).returning(table.c.id))
    return int(made.scalar_one())


def _numbered(number: int | None, numbers: dict[int, int]) -> Any:  # noqa: ANN401 (None stays None)
    return number if number is None else numbers.get(number, number)


def _numbered_in(event: Event, numbers: dict[int, int]) -> dict[str, Any]:
    into = event.document.get("into")
    return event.document if into is None else event.document | {"into": _numbered(into, numbers)}
