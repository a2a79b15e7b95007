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
    from stationmaster.monitor.incidents.standing import Standing, StandingIncident

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
    *,
    since: dt.datetime,
) -> int:
    """Write incidents that somebody was told of meanwhile, with what was told; return how many.

    Twice is once: an incident is known by its `uid`. What another watcher has made an incident of
    stays that one's, and what was told belongs to it. What was found and not told stays away: the
    next look finds it, if it is still there.

    Args:
        engine: Of the ledger.
        standing: What stood when the database came back.
        told: Numbers of the incidents that somebody was told of.
        messages: What was told.
        since: Since when the database was away; what was changed later, another one changed.
    """
    with changing(engine) as connection:
        query = sa.select(finding.c.key, finding.c.incident_id).where(
            finding.c.cleared_at.is_(None)
        )
        there = {row.key: row.incident_id for row in connection.execute(query)}
        numbers: dict[int, int] = {}
        mine: set[int] = set()
        for each in standing.incidents:
            if each.id in told:
                found = _known_as(connection, each, there)
                numbers[each.id] = _insert(connection, each) if found is None else found
                if found is None or _is_updated(connection, each, since):
                    mine.add(each.id)
        _write_findings(connection, standing, mine, numbers, there)
        _write_messages(connection, messages, numbers)
        return len(mine)


def _known_as(
    connection: sa.Connection, each: StandingIncident, there: dict[str, int | None]
) -> int | None:
    """Return which incident of the database it is; None: one that is not there yet."""
    if each.id > 0:
        return each.id
    same = sa.select(incident.c.id).where(incident.c.uid == each.uid)
    known: int | None = connection.execute(same).scalar()
    return known or there.get(each.cause)


def _insert(connection: sa.Connection, each: StandingIncident) -> int:
    made = sa.insert(incident).values(incident_row(replace(each, silence_id=None)))
    return int(connection.execute(made.returning(incident.c.id)).scalar_one())


def _is_updated(connection: sa.Connection, each: StandingIncident, since: dt.datetime) -> bool:
    """Bring one up that was there before, where nobody else has changed it since."""
    mine = sa.and_(incident.c.id == each.id, incident.c.updated_at <= since)
    change = sa.update(incident).where(mine).values(incident_row(each))
    return connection.execute(change.returning(incident.c.id)).first() is not None


def _write_findings(
    connection: sa.Connection,
    standing: Standing,
    mine: set[int],
    numbers: dict[int, int],
    there: dict[str, int | None],
) -> None:
    for each in standing.findings:
        if each.incident_id not in mine:
            continue
        row = finding_row(replace(each, incident_id=numbers[each.incident_id]))
        if each.key not in there:
            connection.execute(sa.insert(finding).values(row))
        elif there[each.key] in {None, numbers[each.incident_id]}:
            same = sa.and_(finding.c.key == each.key, finding.c.cleared_at.is_(None))
            connection.execute(sa.update(finding).where(same).values(row))


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
