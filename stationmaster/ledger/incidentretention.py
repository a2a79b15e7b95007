"""Remove what is known of incidents that have been closed for longer than the policy keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from stationmaster.ledger.engine import transaction
from stationmaster.ledger.incidentmodels import (
    finding,
    incident,
    incident_event,
    notification,
    operator_action,
    silence,
)

if TYPE_CHECKING:
    import datetime as dt

__all__ = ["prune_incidents"]

AT_ONCE: Final = 500
PRUNE_SECONDS: Final = 60


def prune_incidents(engine: sa.Engine, before: dt.datetime) -> int:
    """Remove incidents that were closed before then, with all of theirs; return how many.

    Also findings that never had an incident, silences that are over, and what people did, if it is
    as old. It may be stopped at any time.
    """
    number = 0
    while removed := _remove_some(engine, before):
        number += removed
    old = sa.and_(finding.c.incident_id.is_(None), finding.c.cleared_at < before)
    with transaction(engine, writes=True, seconds=PRUNE_SECONDS) as connection:
        connection.execute(sa.delete(finding).where(old))
        connection.execute(sa.delete(silence).where(silence.c.ends_at < before))
        connection.execute(sa.delete(operator_action).where(operator_action.c.at < before))
    return number


def _remove_some(engine: sa.Engine, before: dt.datetime) -> int:
    oldest = sa.select(incident.c.id).where(incident.c.closed_at < before).limit(AT_ONCE)
    with transaction(engine, writes=True, seconds=PRUNE_SECONDS) as connection:
        gone = list(connection.execute(oldest).scalars())
        for table in (notification, incident_event, finding):
            connection.execute(sa.delete(table).where(table.c.incident_id.in_(gone)))
        connection.execute(sa.delete(incident).where(incident.c.id.in_(gone)))
    return len(gone)
