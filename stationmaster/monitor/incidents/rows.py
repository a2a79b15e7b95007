"""Findings and incidents as rows of the ledger, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stationmaster.monitor.checks.finding import Finding, Severity
from stationmaster.monitor.incidents.standing import (
    IncidentState,
    StandingFinding,
    StandingIncident,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import RowMapping

__all__ = ["finding_row", "incident_row", "standing_finding", "standing_incident"]


def standing_finding(row: RowMapping | Mapping[str, Any]) -> StandingFinding:
    """Return the finding of a row."""
    return StandingFinding(
        number=row["id"],
        finding=Finding.model_validate(row["document"]),
        first_seen_at=row["first_seen_at"],
        last_seen_at=row["last_seen_at"],
        gone_at=row["gone_at"],
        cleared_at=row["cleared_at"],
        incident_id=row["incident_id"],
    )


def finding_row(each: StandingFinding) -> dict[str, Any]:
    """Return the columns of a finding, without its number."""
    finding = each.finding
    return {
        "key": each.key,
        "check_name": finding.check,
        "subject": str(finding.subject),
        "business_date": finding.business_date,
        "layer": finding.layer.value,
        "severity": finding.severity.value,
        "document": finding.as_document(),
        "incident_id": each.incident_id,
        "since": finding.since,
        "first_seen_at": each.first_seen_at,
        "last_seen_at": each.last_seen_at,
        "gone_at": each.gone_at,
        "cleared_at": each.cleared_at,
    }


def standing_incident(row: RowMapping | Mapping[str, Any]) -> StandingIncident:
    """Return the incident of a row."""
    return StandingIncident(
        id=row["id"],
        uid=row["uid"],
        cause=row["cause"],
        state=IncidentState(row["state"]),
        severity=Severity(row["severity"]),
        finding=Finding.model_validate(row["document"]),
        since=row["since"],
        opened_at=row["opened_at"],
        updated_at=row["updated_at"],
        gone_at=row["gone_at"],
        closed_at=row["closed_at"],
        acknowledged_at=row["acknowledged_at"],
        acknowledged_by=row["acknowledged_by"],
        judged=row["judged"],
        judged_by=row["judged_by"],
        escalation=row["escalation"],
        reopened=row["reopened"],
        silence_id=row["silence_id"],
    )


def incident_row(each: StandingIncident) -> dict[str, Any]:
    """Return the columns of an incident, without its number."""
    return {
        "uid": each.uid,
        "cause": each.cause,
        "state": each.state.value,
        "severity": each.severity.value,
        "owner": each.owner,
        "title": each.title,
        "document": each.finding.as_document(),
        "since": each.since,
        "opened_at": each.opened_at,
        "updated_at": each.updated_at,
        "gone_at": each.gone_at,
        "closed_at": each.closed_at,
        "acknowledged_at": each.acknowledged_at,
        "acknowledged_by": each.acknowledged_by,
        "judged": each.judged,
        "judged_by": each.judged_by,
        "escalation": each.escalation,
        "reopened": each.reopened,
        "silence_id": each.silence_id,
    }
