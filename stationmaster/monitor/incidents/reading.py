"""What is known of incidents, for pages and lists: each question is indexed and bounded."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final, TypeVar

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from stationmaster.ledger.engine import transaction
from stationmaster.ledger.incidentmodels import (
    check_state,
    finding,
    incident,
    incident_event,
    notification,
    operator_action,
    silence,
)
from stationmaster.monitor.incidents.leasing import Lease, read_lease
from stationmaster.monitor.incidents.rows import standing_finding, standing_incident

if TYPE_CHECKING:
    from stationmaster.monitor.incidents.standing import StandingFinding, StandingIncident

__all__ = [
    "MOST",
    "ActionRow",
    "CheckStateRow",
    "EventRow",
    "MessageRow",
    "SilenceRow",
    "check_states",
    "events_of",
    "findings_of",
    "incident_of",
    "incidents",
    "last_actions",
    "lease",
    "messages",
    "messages_of",
    "other_findings",
    "silences",
]

MOST: Final = 500
"""Rows that a question returns, unless it asks for fewer."""


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


R = TypeVar("R", bound=_Row)


class EventRow(_Row):
    """Hold what happened to an incident; `stationmaster.monitor.incidents.events` has the kinds."""

    id: int
    incident_id: int
    at: dt.datetime
    kind: str
    actor: str
    sentence: str
    document: dict[str, Any] | None


class MessageRow(_Row):
    """Hold a message of the outbox; `state` is waiting, sent, given-up or not-needed."""

    id: int
    incident_id: int
    event_id: int
    channel: str
    state: str
    attempts: int
    document: dict[str, Any]
    made_at: dt.datetime
    due_at: dt.datetime
    sent_at: dt.datetime | None
    last_error: str


class SilenceRow(_Row):
    """Hold a silence."""

    id: int
    matcher: dict[str, Any]
    begins_at: dt.datetime
    ends_at: dt.datetime
    made_by: str
    made_at: dt.datetime
    why: str


class CheckStateRow(_Row):
    """Hold what came of a check's last look."""

    check_name: str
    looked_at: dt.datetime
    answered_at: dt.datetime | None
    outcome: str
    why: str
    findings: int
    seconds: float


class ActionRow(_Row):
    """Hold what somebody did, or tried."""

    id: int
    at: dt.datetime
    actor: str
    role: str
    action: str
    target: str
    via: str
    document: dict[str, Any] | None


def incidents(
    engine: sa.Engine,
    *,
    closed: bool = False,
    since: dt.datetime | None = None,
    owner: str | None = None,
    most: int = MOST,
) -> list[StandingIncident]:
    """Return incidents, newest first.

    Args:
        engine: Of the ledger.
        closed: Closed ones too.
        since: Only those that were opened since then.
        owner: Only this team's.
        most: How many.
    """
    conditions: list[sa.ColumnElement[bool]] = [] if closed else [incident.c.closed_at.is_(None)]
    if since is not None:
        conditions.append(incident.c.opened_at >= since)
    if owner is not None:
        conditions.append(incident.c.owner == owner)
    query = sa.select(incident).where(*conditions)
    newest = query.order_by(incident.c.opened_at.desc(), incident.c.id.desc()).limit(most)
    with transaction(engine) as connection:
        return [standing_incident(row) for row in connection.execute(newest).mappings()]


def incident_of(engine: sa.Engine, number: int) -> StandingIncident | None:
    """Return one incident; None where there is none of that number."""
    with transaction(engine) as connection:
        query = sa.select(incident).where(incident.c.id == number)
        row = connection.execute(query).mappings().one_or_none()
    return None if row is None else standing_incident(row)


def findings_of(engine: sa.Engine, number: int, *, most: int = MOST) -> list[StandingFinding]:
    """Return what belongs to an incident, also what is gone; what began first comes first."""
    query = sa.select(finding).where(finding.c.incident_id == number)
    query = query.order_by(finding.c.since, finding.c.id).limit(most)
    with transaction(engine) as connection:
        return [standing_finding(row) for row in connection.execute(query).mappings()]


def other_findings(engine: sa.Engine, *, most: int = MOST) -> list[StandingFinding]:
    """Return what is found without an incident: good to know, or not there for long enough."""
    query = sa.select(finding).where(
        finding.c.cleared_at.is_(None), finding.c.incident_id.is_(None)
    )
    query = query.order_by(finding.c.since.desc()).limit(most)
    with transaction(engine) as connection:
        return [standing_finding(row) for row in connection.execute(query).mappings()]


def events_of(engine: sa.Engine, number: int, *, most: int = MOST) -> list[EventRow]:
    """Return what happened to an incident, oldest first."""
    query = sa.select(incident_event).where(incident_event.c.incident_id == number)
    return _rows(engine, query.order_by(incident_event.c.at, incident_event.c.id), EventRow, most)


def messages_of(engine: sa.Engine, number: int, *, most: int = MOST) -> list[MessageRow]:
    """Return who was told of an incident, oldest first."""
    query = sa.select(notification).where(notification.c.incident_id == number)
    return _rows(engine, query.order_by(notification.c.id), MessageRow, most)


def messages(engine: sa.Engine, *, state: str | None = None, most: int = MOST) -> list[MessageRow]:
    """Return messages of the outbox, newest first; of one state, or of all."""
    query = sa.select(notification)
    if state is not None:
        query = query.where(notification.c.state == state)
    return _rows(engine, query.order_by(notification.c.id.desc()), MessageRow, most)


def silences(
    engine: sa.Engine, at: dt.datetime, *, over: bool = False, most: int = MOST
) -> list[SilenceRow]:
    """Return silences that hold or will, soonest over first; `over`: those of before too."""
    query = sa.select(silence)
    if not over:
        query = query.where(silence.c.ends_at > at)
    return _rows(engine, query.order_by(silence.c.ends_at, silence.c.id), SilenceRow, most)


def check_states(engine: sa.Engine) -> list[CheckStateRow]:
    """Return what came of each check's last look, by name."""
    query = sa.select(check_state).order_by(check_state.c.check_name)
    return _rows(engine, query, CheckStateRow, MOST)


def last_actions(engine: sa.Engine, *, most: int = 100) -> list[ActionRow]:
    """Return what people did last, newest first, refused acts too."""
    query = sa.select(operator_action).order_by(operator_action.c.at.desc())
    return _rows(engine, query.order_by(operator_action.c.id.desc()), ActionRow, most)


def lease(engine: sa.Engine) -> Lease | None:
    """Return who watches, until when, and the moment of the last look; None: nobody ever did."""
    with transaction(engine) as connection:
        return read_lease(connection)


def _rows(engine: sa.Engine, query: sa.Select[Any], kind: type[R], most: int) -> list[R]:
    with transaction(engine) as connection:
        found = connection.execute(query.limit(most)).mappings()
        return [kind.model_validate(dict(row)) for row in found]
