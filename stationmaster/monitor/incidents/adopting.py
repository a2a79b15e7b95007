"""Bring incidents into the database that were told of while it was away."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from stationmaster.ledger.incidentmodels import finding, incident, incident_event, notification
from stationmaster.monitor.incidents.book import changing
from stationmaster.monitor.incidents.rows import finding_row, incident_row

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Sequence

    from stationmaster.monitor.incidents.events import Event
    from stationmaster.monitor.incidents.standing import Standing

__all__ = ["AdoptedMessage", "adopt"]


@dataclass(frozen=True, kw_only=True)
class AdoptedMessage:
    """Hold a message that went to a channel without the outbox, or must still go.

    Args:
        number: Of its incident, in the standing that was kept.
        event: What it tells.
        channel: Where to.
        document: The message.
        sent_at: When the channel took it; None: not yet.
    """

    number: int
    event: Event
    channel: str
    document: dict[str, Any]
    sent_at: dt.datetime | None


def adopt(
    engine: sa.Engine,
    standing: Standing,
    told: Collection[int],
    messages: Sequence[AdoptedMessage],
) -> int:
    """Write incidents that were opened meanwhile and told, with what was told; return how many.

    Twice is once: an incident is known by its `uid`. What was found and not told stays away: the
    next look finds it, if it is still there.

    Args:
        engine: Of the ledger.
        standing: What stood when the database came back.
        told: Numbers of the incidents that somebody was told of.
        messages: What was told.
    """
    with changing(engine) as connection:
        numbers = {each.id: each.id for each in standing.incidents if each.id > 0}
        new = [each for each in standing.incidents if each.id < 0 and each.id in told]
        known = set(connection.execute(sa.select(incident.c.uid)).scalars()) if new else set()
        new = [each for each in new if each.uid not in known]
        for each in new:
            made = sa.insert(incident).values(incident_row(replace(each, silence_id=None)))
            numbers[each.id] = connection.execute(made.returning(incident.c.id)).scalar_one()
        _write_findings(connection, standing, {each.id for each in new}, numbers)
        _write_messages(connection, messages, numbers)
        return len(new)


def _write_findings(
    connection: sa.Connection, standing: Standing, new: set[int], numbers: dict[int, int]
) -> None:
    query = sa.select(finding.c.key).where(finding.c.cleared_at.is_(None))
    there = set(connection.execute(query).scalars())
    for each in standing.findings:
        if each.incident_id in new and each.key not in there:
            row = finding_row(replace(each, incident_id=numbers[each.incident_id]))
            connection.execute(sa.insert(finding).values(row))


def _write_messages(
    connection: sa.Connection, messages: Sequence[AdoptedMessage], numbers: dict[int, int]
) -> None:
    events: dict[tuple[int, dt.datetime, str], int] = {}
    for each in messages:
        number = numbers.get(each.number)
        if number is None:
            continue
        event = each.event
        same = (number, event.at, event.kind.value)
        if same not in events and _is_there(connection, *same):
            continue  # brought in before the file was removed
        if same not in events:
            row = {
                "incident_id": number,
                "at": event.at,
                "kind": event.kind.value,
                "sentence": event.sentence,
                "document": event.document | {"without_database": True},
            }
            made = sa.insert(incident_event).values(row).returning(incident_event.c.id)
            events[same] = connection.execute(made).scalar_one()
        sent = each.sent_at is not None
        row = {
            "incident_id": number,
            "event_id": events[same],
            "channel": each.channel,
            "state": "sent" if sent else "waiting",
            "attempts": int(sent),
            "document": each.document | {"incident_id": number},
            "made_at": event.at,
            "due_at": event.at,
            "sent_at": each.sent_at,
        }
        connection.execute(sa.insert(notification).values(row))


def _is_there(connection: sa.Connection, number: int, at: dt.datetime, kind: str) -> bool:
    query = sa.select(incident_event.c.id).where(
        incident_event.c.incident_id == number,
        incident_event.c.at == at,
        incident_event.c.kind == kind,
    )
    return connection.execute(query.limit(1)).first() is not None
