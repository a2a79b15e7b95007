"""A message: all that an alert says, before anybody decides how it looks."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict

from stationmaster.monitor.alerts.wording import where_of
from stationmaster.monitor.checks.finding import Layer, Link, Severity
from stationmaster.monitor.incidents.events import EventKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stationmaster.monitor.incidents.planning import Happening
    from stationmaster.monitor.incidents.standing import StandingFinding

__all__ = ["ENDS", "Message"]

ENDS = frozenset({EventKind.CLOSED, EventKind.MERGED})
"""After these a channel need not know the incident any more."""


class Message(BaseModel):
    """Hold what an alert says: what, where, since when, who is affected, what to do, links.

    It is kept in the outbox as it was when it was planned, and never holds a secret.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: EventKind
    at: AwareDatetime
    incident_id: int
    uid: str
    severity: Severity
    layer: Layer
    owner: str
    check: str
    pipeline: str = ""
    cause: str
    what: str
    where: str
    since: AwareDatetime
    opened_at: AwareDatetime
    business_date: dt.date | None = None
    affected: tuple[str, ...] = ()
    next_action: str
    foretold: bool = False
    more: int = 0
    """How many findings besides the cause belong to it."""
    note: str = ""
    """What happened, where that is not that it was opened."""
    actor: str = ""
    times: int = 1
    """How often it was there."""
    url: str = ""
    acknowledge_url: str = ""
    links: tuple[Link, ...] = ()
    runbook: str = ""
    """An address, or its path below `docs/` where no dashboard shows it."""

    @classmethod
    def of(cls, happening: Happening, *, public_url: str = "") -> Self:
        """Return the message about an event.

        Args:
            happening: The event and its incident.
            public_url: Where the dashboard is; "": nowhere, and nothing links to it.
        """
        incident, event = happening.incident, happening.event
        finding = incident.finding
        home = public_url.rstrip("/")
        url = f"{home}/incidents/{incident.id}" if home and incident.id > 0 else ""
        others = [each for each in happening.findings if each.key != incident.cause]
        ends = event.kind in ENDS
        return cls(
            kind=event.kind,
            at=event.at,
            incident_id=incident.id,
            uid=incident.uid,
            severity=incident.severity,
            layer=finding.layer,
            owner=finding.owner,
            check=finding.check,
            pipeline=finding.pipeline,
            cause=incident.cause,
            what=finding.what,
            where=where_of(finding),
            since=incident.since,
            opened_at=incident.opened_at,
            business_date=finding.business_date,
            affected=_affected(happening.findings),
            next_action=finding.next_action,
            foretold=finding.foretold,
            more=len(others),
            note="" if event.kind is EventKind.OPENED else event.sentence,
            actor=event.actor,
            times=incident.reopened + 1,
            url=url,
            acknowledge_url=f"{url}#acknowledge" if url and not ends else "",
            links=finding.links,
            runbook=f"{home}/runbooks/{finding.check}" if home else f"runbooks/{finding.check}.md",
        )

    @property
    def ends(self) -> bool:
        """Tell whether it says that the incident is over."""
        return self.kind in ENDS

    @property
    def number(self) -> str:
        """Return the incident's number as people write it; "" where it has none yet."""
        return f"#{self.incident_id}" if self.incident_id > 0 else ""


def _affected(findings: Iterable[StandingFinding]) -> tuple[str, ...]:
    """Return who is affected by any of it, in the order in which it was found; each once."""
    return tuple(dict.fromkeys(name for each in findings for name in each.finding.affected))
