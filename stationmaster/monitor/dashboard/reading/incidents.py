"""Incidents and findings, as pages show them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from pydantic import ValidationError

from stationmaster.ledger.incidentmodels import (
    finding,
    incident,
    incident_event,
    notification,
    operator_action,
    silence,
)
from stationmaster.monitor.checks.finding import Finding, Severity

if TYPE_CHECKING:
    from stationmaster.monitor.dashboard.reading.source import Source

__all__ = [
    "FindingRow",
    "IncidentPage",
    "IncidentRow",
    "actions",
    "closed_incidents",
    "findings_now",
    "incident_page",
    "open_incidents",
    "silences_now",
]

MOST_OPEN: Final = 200
MOST_CLOSED: Final = 100
MOST_FINDINGS: Final = 500
MOST_EVENTS: Final = 300
RANKS: Final = {severity.value: severity.rank for severity in Severity}


@dataclass(frozen=True)
class FindingRow:
    """Hold one finding that stands, or that stood.

    Args:
        finding: What the check said last.
        incident_id: What it belongs to; None: to none (yet).
        first_seen_at: When a check saw it first.
        last_seen_at: When one saw it last.
        gone_at: Since when it is not seen any more.
    """

    finding: Finding
    incident_id: int | None
    first_seen_at: dt.datetime
    last_seen_at: dt.datetime
    gone_at: dt.datetime | None


@dataclass(frozen=True)
class IncidentRow:
    """Hold one incident; `cause` is the finding that explains the others, where it can be read."""

    number: int
    title: str
    state: str
    severity: str
    owner: str
    since: dt.datetime
    opened_at: dt.datetime
    updated_at: dt.datetime
    gone_at: dt.datetime | None
    closed_at: dt.datetime | None
    acknowledged_at: dt.datetime | None
    acknowledged_by: str
    judged: str
    judged_by: str
    escalation: int
    reopened: int
    silence_id: int | None
    cause: Finding | None

    @property
    def is_open(self) -> bool:
        """Return whether it is not closed."""
        return self.closed_at is None


@dataclass(frozen=True)
class IncidentPage:
    """Hold all that is known of one incident."""

    incident: IncidentRow
    findings: tuple[FindingRow, ...]
    events: tuple[dict[str, Any], ...]
    notifications: tuple[dict[str, Any], ...]


def open_incidents(source: Source) -> list[IncidentRow]:
    """Return what is open, the worst first, then the oldest."""
    query = sa.select(incident).where(incident.c.closed_at.is_(None))
    found = source.kept(
        "open-incidents",
        lambda: [_incident(row) for row in source.rows(query, most=MOST_OPEN)],
    )
    return sorted(found, key=lambda each: (-RANKS.get(each.severity, 0), each.since))


def closed_incidents(source: Source, days: int = 30) -> list[IncidentRow]:
    """Return what was opened in the last days and is closed, the newest first."""
    since = source.now() - dt.timedelta(days=days)
    query = (
        sa.select(incident)
        .where(incident.c.opened_at >= since, incident.c.closed_at.is_not(None))
        .order_by(incident.c.opened_at.desc())
    )
    return source.kept(
        ("closed-incidents", days),
        lambda: [_incident(row) for row in source.rows(query, most=MOST_CLOSED)],
    )


def incident_page(source: Source, number: int) -> IncidentPage | None:
    """Return an incident with its findings, events and notifications; None: there is none."""
    return source.kept(("incident", number), lambda: _page(source, number))


def findings_now(source: Source) -> list[FindingRow]:
    """Return what checks find now, the worst first."""
    query = sa.select(finding).where(finding.c.cleared_at.is_(None), finding.c.gone_at.is_(None))
    rows = source.kept("findings", lambda: _findings(source, query))
    return sorted(rows, key=lambda each: (-each.finding.severity.rank, each.finding.since))


def silences_now(source: Source) -> list[dict[str, Any]]:
    """Return what is silenced now or will be, the one that ends first first."""
    query = sa.select(silence).where(silence.c.ends_at > source.now())
    return source.rows(query.order_by(silence.c.ends_at), most=MOST_CLOSED)


def actions(source: Source, days: int = 30) -> list[dict[str, Any]]:
    """Return what people did, the newest first."""
    since = source.now() - dt.timedelta(days=days)
    query = sa.select(operator_action).where(operator_action.c.at >= since)
    return source.rows(query.order_by(operator_action.c.at.desc()), most=MOST_EVENTS)


def _page(source: Source, number: int) -> IncidentPage | None:
    found = source.rows(sa.select(incident).where(incident.c.id == number), most=1)
    if not found:
        return None
    mine = sa.select(finding).where(finding.c.incident_id == number).order_by(finding.c.id)
    events = sa.select(incident_event).where(incident_event.c.incident_id == number)
    sent = sa.select(notification).where(notification.c.incident_id == number)
    newest = (incident_event.c.at.desc(), incident_event.c.id.desc())
    return IncidentPage(
        incident=_incident(found[0]),
        findings=tuple(_findings(source, mine)),
        events=tuple(source.rows(events.order_by(*newest), most=MOST_EVENTS)),
        notifications=tuple(source.rows(sent.order_by(notification.c.id), most=MOST_EVENTS)),
    )


def _findings(source: Source, query: sa.Select[Any]) -> list[FindingRow]:
    return [
        FindingRow(
            told, row["incident_id"], row["first_seen_at"], row["last_seen_at"], row["gone_at"]
        )
        for row in source.rows(query, most=MOST_FINDINGS)
        if (told := _told(row["document"])) is not None
    ]


def _incident(row: dict[str, Any]) -> IncidentRow:
    own = {name: row[name] for name in IncidentRow.__dataclass_fields__ if name in row}
    own["cause"] = _told(row["document"])
    return IncidentRow(number=row["id"], **own)


def _told(document: object) -> Finding | None:
    """Return the finding of a document; None where a newer or older release wrote it."""
    try:
        return Finding.model_validate(document)
    except ValidationError:
        return None
