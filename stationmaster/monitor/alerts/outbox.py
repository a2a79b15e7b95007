"""The outbox: what waits for a channel, what has been sent, and what no try has delivered."""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from pydantic import ValidationError

from stationmaster.ledger.engine import transaction
from stationmaster.ledger.incidentmodels import incident, notification
from stationmaster.monitor.alerts.message import Message
from stationmaster.monitor.checks.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["CLAIM", "Lost", "Outbox", "Waiting"]

CLAIM: Final = dt.timedelta(minutes=2)
"""Whoever sends has so long; then the message is due again, if it was killed meanwhile."""

CLOCKS: Final = dt.timedelta(minutes=10)
"""What was made so much later than now was made by a clock that was ahead: it is due."""

MOST: Final = 2000

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Hold one message that waits for a channel."""

    id: int
    event_id: int
    channel: str
    attempts: int
    made_at: dt.datetime
    due_at: dt.datetime
    message: Message
    passed_on: bool


@dataclass(frozen=True, kw_only=True)
class Lost:
    """Hold what one channel has not taken.

    Args:
        channel: Its name.
        messages: How many it has not taken.
        since: When the first of them was due.
        severity: The worst of them.
        error: What it said last.
        given_up: How many of them were given up.
    """

    channel: str
    messages: int
    since: dt.datetime
    severity: str
    error: str
    given_up: int


class Outbox:
    """Hold the messages of a ledger.

    Args:
        engine: Of the ledger, with its tables.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def due(self, now: dt.datetime) -> list[Waiting]:
        """Return what waits and is due, oldest first."""
        of_now = sa.or_(notification.c.due_at <= now, notification.c.made_at > now + CLOCKS)
        query = (
            sa.select(notification)
            .where(notification.c.state == "waiting", of_now)
            .order_by(notification.c.id)
            .limit(MOST)
        )
        with transaction(self._engine) as connection:
            rows = connection.execute(query).mappings().all()
        read = [_waiting(row) for row in rows]
        self._put_away(row["id"] for row, each in zip(rows, read, strict=True) if each is None)
        return [each for each in read if each is not None]

    def newest_sent(self, numbers: Iterable[int]) -> dict[tuple[int, str], int]:
        """Return the newest message that each channel has of each of these incidents."""
        columns = (notification.c.incident_id, notification.c.channel)
        query = (
            sa.select(*columns, sa.func.max(notification.c.id))
            .where(notification.c.incident_id.in_(set(numbers)), notification.c.state == "sent")
            .group_by(*columns)
        )
        with transaction(self._engine) as connection:
            return {(row[0], row[1]): row[2] for row in connection.execute(query)}

    def claim(self, waiting: Sequence[Waiting], now: dt.datetime) -> list[Waiting]:
        """Take messages for sending; return those that nobody else took meanwhile."""
        taken = []
        with transaction(self._engine, writes=True) as connection:
            for each in waiting:
                mine = sa.and_(
                    notification.c.id == each.id,
                    notification.c.state == "waiting",
                    notification.c.attempts == each.attempts,
                )
                change = sa.update(notification).where(mine)
                change = change.values(attempts=each.attempts + 1, due_at=now + CLAIM)
                if connection.execute(change.returning(notification.c.id)).first() is not None:
                    taken.append(each)
        return taken

    def sent(self, waiting: Iterable[Waiting], now: dt.datetime) -> None:
        """Write down that a channel has them."""
        self._change(waiting, {"state": "sent", "sent_at": now, "last_error": ""})

    def not_needed(self, waiting: Iterable[Waiting]) -> None:
        """Write down that a later message makes them needless."""
        self._change(waiting, {"state": "not-needed"})

    def failed(
        self,
        waiting: Iterable[Waiting],
        error: str,
        *,
        again_at: dt.datetime,
        given_up: bool,
        attempts: int,
    ) -> None:
        """Write down that a channel did not take them, and when to try again."""
        state = "given-up" if given_up else "waiting"
        values = {"state": state, "due_at": again_at, "last_error": error, "attempts": attempts}
        self._change(waiting, values)

    def pass_on(self, each: Waiting, channels: Iterable[str], now: dt.datetime) -> list[str]:
        """Give a message to other channels too; return those that did not have it yet."""
        document = each.message.model_dump(mode="json") | {"instead_of": each.channel}
        given = []
        with transaction(self._engine, writes=True) as connection:
            had = set(
                connection.execute(
                    sa.select(notification.c.channel).where(
                        notification.c.event_id == each.event_id
                    )
                ).scalars()
            )
            for name in channels:
                if name in had:
                    continue
                row = {
                    "incident_id": each.message.incident_id,
                    "event_id": each.event_id,
                    "channel": name,
                    "state": "waiting",
                    "document": document,
                    "made_at": each.made_at,
                    "due_at": now,
                }
                connection.execute(sa.insert(notification).values(row))
                given.append(name)
            own = each.message.model_dump(mode="json") | {"passed_on": True}
            mine = sa.update(notification).where(notification.c.id == each.id)
            connection.execute(mine.values(document=own))
        return given

    def told(self, channel: str) -> list[Message]:
        """Return the newest message that a channel has of each open incident."""
        newest = (
            sa.select(sa.func.max(notification.c.id))
            .join(incident, incident.c.id == notification.c.incident_id)
            .where(
                incident.c.closed_at.is_(None),
                notification.c.channel == channel,
                notification.c.state == "sent",
            )
            .group_by(notification.c.incident_id)
        )
        query = sa.select(notification.c.document).where(notification.c.id.in_(newest))
        with transaction(self._engine) as connection:
            found = connection.execute(query.order_by(notification.c.id)).scalars()
            messages = [_message(each) for each in found]
        return [each for each in messages if each is not None and not each.ends]

    def lost(self, now: dt.datetime, *, after: dt.timedelta) -> list[Lost]:
        """Return the channels that take nothing, by name.

        Args:
            now: The moment.
            after: A message that was tried and not taken for so long is lost to its channel.
        """
        waits = sa.and_(notification.c.state == "waiting", notification.c.last_error != "")
        query = sa.select(notification).where(waits, notification.c.made_at <= now - after)
        gone = sa.select(notification).where(
            notification.c.state == "given-up",
            notification.c.id > sa.func.coalesce(_last_taken(), 0),
            notification.c.made_at > now - dt.timedelta(days=2),
        )
        with transaction(self._engine) as connection:
            rows = [
                dict(row)
                for each in (query, gone)
                for row in connection.execute(each.limit(MOST)).mappings()
            ]
        names = sorted({row["channel"] for row in rows})
        return [_lost([row for row in rows if row["channel"] == name]) for name in names]

    def _put_away(self, numbers: Iterable[int]) -> None:
        """Give up what nobody can read, so that it keeps nothing else from being sent."""
        ids = list(numbers)
        if not ids:
            return
        log.error("Messages %s of the outbox cannot be read, and are given up.", ids)
        values = {"state": "given-up", "last_error": "its document cannot be read"}
        with transaction(self._engine, writes=True) as connection:
            mine = sa.and_(notification.c.id.in_(ids), notification.c.state == "waiting")
            connection.execute(sa.update(notification).where(mine).values(**values))

    def _change(self, waiting: Iterable[Waiting], values: dict[str, Any]) -> None:
        ids = [each.id for each in waiting]
        if ids:
            change = sa.update(notification).where(notification.c.id.in_(ids)).values(**values)
            with transaction(self._engine, writes=True) as connection:
                connection.execute(change)


def _last_taken() -> sa.ScalarSelect[Any]:
    """Return the newest message that the same channel took: what was lost before is history."""
    other = notification.alias()
    newest = sa.select(sa.func.max(other.c.id)).where(
        other.c.channel == notification.c.channel, other.c.state == "sent"
    )
    return newest.scalar_subquery()


def _message(document: object) -> Message | None:
    """Return a message; None where it is not one that this version can read."""
    try:
        return Message.model_validate(document)
    except ValidationError:
        return None


def _waiting(row: sa.RowMapping) -> Waiting | None:
    message = _message(row["document"])
    if message is None:
        return None
    return Waiting(
        id=row["id"],
        event_id=row["event_id"],
        channel=row["channel"],
        attempts=row["attempts"],
        made_at=row["made_at"],
        due_at=row["due_at"],
        message=message,
        passed_on=bool(row["document"].get("passed_on")),
    )


def _lost(rows: Sequence[dict[str, Any]]) -> Lost:
    read = [_message(row["document"]) for row in rows]
    severities = [Severity.WARNING, *(each.severity for each in read if each is not None)]
    worst = max(severities, key=lambda one: one.rank)
    return Lost(
        channel=rows[0]["channel"],
        messages=len(rows),
        since=min(row["made_at"] for row in rows),
        severity=worst.value,
        error=max(rows, key=lambda row: row["id"])["last_error"],
        given_up=sum(row["state"] == "given-up" for row in rows),
    )
