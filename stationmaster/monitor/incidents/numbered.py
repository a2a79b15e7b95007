"""What a number names: an incident with what belongs to it; or nothing, said in one way."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from stationmaster.ledger.incidentmodels import finding, incident
from stationmaster.monitor.incidents.operators import UnknownIncidentError
from stationmaster.monitor.incidents.rows import standing_finding, standing_incident
from stationmaster.monitor.incidents.standing import Standing

__all__ = ["INCIDENTS", "OUTBOX", "SILENCES", "one_incident", "unknown"]

INCIDENTS: Final = "stationmaster incidents list --all"
SILENCES: Final = "stationmaster incidents list --silences"
OUTBOX: Final = "stationmaster alerts outbox --state given-up"


def one_incident(connection: sa.Connection, number: int) -> Standing:
    """Return one incident and what belongs to it.

    Raises:
        UnknownIncidentError: There is none of that number.
    """
    query = sa.select(incident).where(incident.c.id == number)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise unknown(number, "incident", "of an incident", INCIDENTS)
    mine = sa.select(finding).where(finding.c.incident_id == number, finding.c.cleared_at.is_(None))
    findings = tuple(standing_finding(each) for each in connection.execute(mine).mappings())
    return Standing(findings=findings, incidents=(standing_incident(row),))


def unknown(number: int, thing: str, what: str, command: str) -> UnknownIncidentError:
    """Return the error about a number that names nothing.

    Args:
        number: The number.
        thing: Incident, silence, message.
        what: Of what it should be: "of an incident".
        command: Which shows the numbers that there are.
    """
    return UnknownIncidentError(
        where=f"{thing} {number}",
        expected=f"the number {what}",
        got="a number that is not there",
        hint=f"`{command}` shows them.",
    )
