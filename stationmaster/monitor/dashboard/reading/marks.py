"""What changed: one cheap look at the ledger tells which parts of pages are out of date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from stationmaster.ledger.incidentmodels import (
    check_state,
    finding,
    incident,
    incident_event,
    notification,
    operator_action,
    silence,
    watch_lease,
)
from stationmaster.ledger.models import attempt
from stationmaster.monitor.dashboard.reading.looks import watching

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from stationmaster.monitor.dashboard.reading.source import Source

__all__ = ["TOPICS", "read_marks"]

QUESTIONS: Final[Mapping[str, sa.Select[Any]]] = {
    "attempts": sa.select(sa.func.max(attempt.c.recorded_at)),
    "incidents": sa.select(
        sa.select(sa.func.max(incident_event.c.id)).scalar_subquery(),
        sa.select(sa.func.max(incident.c.updated_at))
        .where(incident.c.closed_at.is_(None))
        .scalar_subquery(),
        sa.select(sa.func.max(silence.c.id)).scalar_subquery(),
    ),
    "findings": sa.select(
        sa.select(sa.func.max(finding.c.id)).scalar_subquery(),
        sa.select(sa.func.count())
        .where(finding.c.cleared_at.is_(None), finding.c.gone_at.is_(None))
        .scalar_subquery(),
    ),
    "checks": sa.select(sa.func.max(check_state.c.looked_at)),
    "watcher": sa.select(sa.func.max(watch_lease.c.looked_at)),
    "outbox": sa.select(
        sa.select(sa.func.max(notification.c.id)).scalar_subquery(),
        sa.select(sa.func.count()).where(notification.c.state == "waiting").scalar_subquery(),
    ),
    "actions": sa.select(sa.func.max(operator_action.c.id)),
}
"""Each is answered by the end of an index, or by a table of a few dozen rows."""

TOPICS: Final = (*QUESTIONS, "clock")


def read_marks(source: Source, silent_after: dt.timedelta) -> dict[str, str]:
    """Return a mark a topic: another one means that something of the topic changed.

    The clock's mark changes each minute, and when the watcher falls silent: time alone makes
    things late.

    Raises:
        TemporaryError: The database does not answer.
    """
    marks = source.ask(
        lambda connection: {
            topic: repr(tuple(connection.execute(question).one()))
            for topic, question in QUESTIONS.items()
        }
    )
    silent = watching(source, silent_after).is_silent
    marks["clock"] = f"{source.now():%Y-%m-%d %H:%M} {silent}"
    return marks
