"""Incidents as JSON, for `--json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stationmaster.monitor.incidents.rows import incident_row

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from stationmaster.monitor.incidents.leasing import Lease
    from stationmaster.monitor.incidents.reading import EventRow, MessageRow
    from stationmaster.monitor.incidents.standing import StandingFinding, StandingIncident

__all__ = ["as_document", "incident_document", "list_document"]


def as_document(incident: StandingIncident) -> dict[str, Any]:
    """Return an incident as JSON takes it; its cause's finding is `finding`."""
    row = incident_row(incident)
    finding = row.pop("document")
    return {
        "incident": incident.id,
        **{name: _plain(value) for name, value in row.items()},
        "finding": finding,
    }


def list_document(incidents: Sequence[StandingIncident], lease: Lease | None) -> dict[str, Any]:
    """Return incidents, and when the watcher looked last."""
    return {
        "looked_at": None if lease is None else _plain(lease.looked_at),
        "incidents": [as_document(each) for each in incidents],
    }


def incident_document(
    incident: StandingIncident,
    findings: Sequence[StandingFinding],
    events: Sequence[EventRow],
    messages: Sequence[MessageRow],
) -> dict[str, Any]:
    """Return one incident with all that is known of it."""
    return as_document(incident) | {
        "findings": [
            each.finding.as_document()
            | {
                "first_seen_at": _plain(each.first_seen_at),
                "last_seen_at": _plain(each.last_seen_at),
                "gone_at": _plain(each.gone_at),
                "cleared_at": _plain(each.cleared_at),
            }
            for each in findings
        ],
        "events": [each.model_dump(mode="json") for each in events],
        "messages": [each.model_dump(mode="json", exclude={"document"}) for each in messages],
    }


def _plain(value: dt.datetime | Any) -> Any:  # noqa: ANN401 (whatever a column holds)
    return value.isoformat() if hasattr(value, "isoformat") else value
