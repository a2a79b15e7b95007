"""What stands: findings and incidents, as the last look left them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from stationmaster.monitor.checks.finding import (  # noqa: TC001 (pydantic reads them: watching/away)
    Finding,
    Severity,
)

__all__ = [
    "MEMORY",
    "NOTHING",
    "IncidentState",
    "Standing",
    "StandingFinding",
    "StandingIncident",
    "not_after",
]

MEMORY: Final = dt.timedelta(minutes=30)
"""An incident that comes back within that is the same one."""


class IncidentState(StrEnum):
    """Tell how far an incident is."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    """Somebody has said that he looks after it: nobody else is called."""
    CLOSED = "closed"


@dataclass(frozen=True, kw_only=True)
class StandingFinding:
    """Hold a finding over many looks.

    Args:
        number: Of its row; negative where it has none yet.
        finding: As it was found last; its `since` is the earliest that was ever told.
        first_seen_at: By which look.
        last_seen_at: By which look.
        gone_at: Which look did not find it any more; None: it is there.
        cleared_at: When it had been gone long enough; it counts no more.
        incident_id: Of which incident it is.
    """

    number: int
    finding: Finding
    first_seen_at: dt.datetime
    last_seen_at: dt.datetime
    gone_at: dt.datetime | None = None
    cleared_at: dt.datetime | None = None
    incident_id: int | None = None

    @property
    def key(self) -> str:
        """Return the key of the finding, as text."""
        return str(self.finding.key)


@dataclass(frozen=True, kw_only=True)
class StandingIncident:
    """Hold an incident.

    Args:
        id: Its number; negative where it has none yet.
        uid: Its name in services that must know it again.
        cause: Key of the finding that explains the others.
        state: How far it is.
        severity: The highest of what is found.
        finding: The cause; its title is the incident's.
        since: When the trouble began, as far as anybody knows.
        opened_at: When it was opened first.
        updated_at: When something happened to it last.
        gone_at: Since when nothing of it is found.
        closed_at: When it was closed last.
        acknowledged_at: When somebody said that he looks after it.
        acknowledged_by: Who.
        judged: What people said of it: real, false-alarm, or nothing yet.
        judged_by: Who.
        escalation: How many steps of its route it has gone.
        reopened: How often it came back.
        silence_id: Under which silence it is.
    """

    id: int
    uid: str
    cause: str
    state: IncidentState
    severity: Severity
    finding: Finding
    since: dt.datetime
    opened_at: dt.datetime
    updated_at: dt.datetime
    gone_at: dt.datetime | None = None
    closed_at: dt.datetime | None = None
    acknowledged_at: dt.datetime | None = None
    acknowledged_by: str = ""
    judged: str = ""
    judged_by: str = ""
    escalation: int = 0
    reopened: int = 0
    silence_id: int | None = None

    @property
    def title(self) -> str:
        """Return what is wrong, in one sentence."""
        return self.finding.what

    @property
    def owner(self) -> str:
        """Return the team that is told."""
        return self.finding.owner

    @property
    def is_open(self) -> bool:
        """Tell whether it is not closed."""
        return self.state is not IncidentState.CLOSED


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Hold what stands before or after a look.

    Args:
        findings: Those that count: there, or gone for a short time.
        incidents: Open ones, those that were closed a short while ago, and those of findings.
        left: Keys of what belonged to incidents that were closed a short while ago.
    """

    findings: tuple[StandingFinding, ...] = ()
    incidents: tuple[StandingIncident, ...] = ()
    left: tuple[tuple[str, int], ...] = ()


def not_after(standing: Standing, at: dt.datetime) -> Standing:
    """Return what stands as if nothing of it were later than a moment.

    For a clock that went back: what is "gone since tomorrow" would be waited for until then.
    """

    def by(moment: dt.datetime | None) -> dt.datetime | None:
        return None if moment is None else min(moment, at)

    findings = tuple(
        replace(
            each,
            first_seen_at=min(each.first_seen_at, at),
            last_seen_at=min(each.last_seen_at, at),
            gone_at=by(each.gone_at),
        )
        for each in standing.findings
    )
    incidents = tuple(replace(each, gone_at=by(each.gone_at)) for each in standing.incidents)
    return replace(standing, findings=findings, incidents=incidents)


NOTHING: Final = Standing()
