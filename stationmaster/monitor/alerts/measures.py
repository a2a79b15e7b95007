"""How good the alerts are: time to notice, false alarms, how many a day each team gets."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from stationmaster.ledger.engine import transaction
from stationmaster.ledger.incidentmodels import incident, incident_event, notification
from stationmaster.monitor.incidents.events import EventKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["SHORT", "AlertStats", "Spread", "Told", "alert_stats", "read_told", "spread_of"]

SHORT: Final = dt.timedelta(minutes=10)
"""What closes by itself within that, and nobody acknowledged, was not worth an alert."""

MOST: Final = 20_000


@dataclass(frozen=True, kw_only=True)
class Told:
    """Hold what is measured of one incident.

    Args:
        owner: The team.
        since: When the trouble began, as far as anybody knows.
        opened_at: When it was opened.
        closed_at: When it was closed.
        acknowledged: Whether anybody ever acknowledged it.
        closed_by_hand: Whether somebody closed it.
        judged: What people said of it.
        foretold: Whether it was told before it happened.
        first_sent_at: When a channel first had it; None: nobody was told.
        sent: How many messages of it went out.
    """

    owner: str
    since: dt.datetime
    opened_at: dt.datetime
    closed_at: dt.datetime | None
    acknowledged: bool
    closed_by_hand: bool
    judged: str
    foretold: bool
    first_sent_at: dt.datetime | None
    sent: int

    @property
    def false_alarm(self) -> bool:
        """Tell whether somebody was told for nothing; people's word counts more than ours."""
        if self.first_sent_at is None or self.judged == "real":
            return False
        return self.judged == "false-alarm" or self.mended_itself

    @property
    def mended_itself(self) -> bool:
        """Tell whether it was over within ten minutes, before anybody did anything."""
        if self.closed_at is None or self.acknowledged or self.closed_by_hand:
            return False
        return self.closed_at - self.opened_at < SHORT


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Spread(_Part):
    """Hold how long something takes, in seconds; None where there is nothing to measure."""

    number: int
    p50: float | None
    p95: float | None
    most: float | None


class AlertStats(_Part):
    """Hold how good the alerts of some days were."""

    since: dt.datetime
    until: dt.datetime
    incidents: int
    told: int
    foretold: int
    judged: int
    false_alarms: int
    judged_false: int
    mended_themselves: int
    false_alarm_rate: float | None
    """Of the incidents that somebody was told of."""
    begun_to_opened: Spread
    opened_to_sent: Spread
    begun_to_sent: Spread
    messages_a_day: dict[str, float]
    """By owner."""


def alert_stats(told: Sequence[Told], *, since: dt.datetime, until: dt.datetime) -> AlertStats:
    """Return how good alerts were.

    Args:
        told: The incidents that were opened in that time.
        since: From when.
        until: To when.
    """
    heard = [each for each in told if each.first_sent_at is not None]
    false = [each for each in heard if each.false_alarm]
    # What has not happened yet cannot have been noticed late.
    noticed = [each for each in told if not each.foretold]
    days = max((until - since) / dt.timedelta(days=1), 1.0)
    messages: Counter[str] = Counter()
    for each in told:
        messages[each.owner] += each.sent
    return AlertStats(
        since=since,
        until=until,
        incidents=len(told),
        told=len(heard),
        foretold=sum(each.foretold for each in told),
        judged=sum(bool(each.judged) for each in told),
        false_alarms=len(false),
        judged_false=sum(each.judged == "false-alarm" for each in heard),
        mended_themselves=sum(each.mended_itself for each in heard),
        false_alarm_rate=len(false) / len(heard) if heard else None,
        begun_to_opened=spread_of(_seconds(each.since, each.opened_at) for each in noticed),
        opened_to_sent=spread_of(_seconds(each.opened_at, each.first_sent_at) for each in heard),
        begun_to_sent=spread_of(_seconds(each.since, each.first_sent_at) for each in noticed),
        messages_a_day={owner: number / days for owner, number in sorted(messages.items())},
    )


def read_told(engine: sa.Engine, *, since: dt.datetime, until: dt.datetime) -> list[Told]:
    """Return what is measured of the incidents that were opened in a time."""
    mine = sa.and_(incident.c.opened_at >= since, incident.c.opened_at < until)
    chosen = sa.select(incident).where(mine).order_by(incident.c.id).limit(MOST)
    ids = sa.select(incident.c.id).where(mine)
    sent = (
        sa.select(
            notification.c.incident_id,
            sa.func.min(notification.c.sent_at, type_=notification.c.sent_at.type),
            sa.func.count(),
        )
        .where(notification.c.incident_id.in_(ids), notification.c.state == "sent")
        .group_by(notification.c.incident_id)
    )
    kinds = (EventKind.ACKNOWLEDGED.value, EventKind.CLOSED.value)
    acts = (
        sa.select(incident_event.c.incident_id, incident_event.c.kind)
        .where(
            incident_event.c.incident_id.in_(ids),
            incident_event.c.kind.in_(kinds),
            incident_event.c.actor != "",
        )
        .distinct()
    )
    with transaction(engine) as connection:
        rows = connection.execute(chosen).mappings().all()
        went = {row[0]: (row[1], row[2]) for row in connection.execute(sent)}
        acted = {(row[0], row[1]) for row in connection.execute(acts)}
    return [_told(row, went.get(row["id"], (None, 0)), acted) for row in rows]


def spread_of(seconds: Iterable[float | None]) -> Spread:
    """Return the spread of some times; None among them is left out."""
    known = sorted(each for each in seconds if each is not None)
    if not known:
        return Spread(number=0, p50=None, p95=None, most=None)
    return Spread(
        number=len(known),
        p50=_nearest(known, 0.5),
        p95=_nearest(known, 0.95),
        most=known[-1],
    )


def _nearest(known: Sequence[float], share: float) -> float:
    """Return the value that so large a share does not exceed (nearest rank)."""
    return known[max(0, math.ceil(share * len(known)) - 1)]


def _seconds(begun: dt.datetime, end: dt.datetime | None) -> float | None:
    return None if end is None else max(0.0, (end - begun).total_seconds())


def _told(
    row: sa.RowMapping, went: tuple[dt.datetime | None, int], acted: set[tuple[Any, Any]]
) -> Told:
    return Told(
        owner=row["owner"],
        since=row["since"],
        opened_at=row["opened_at"],
        closed_at=row["closed_at"],
        acknowledged=(row["id"], EventKind.ACKNOWLEDGED.value) in acted,
        closed_by_hand=(row["id"], EventKind.CLOSED.value) in acted,
        judged=row["judged"],
        foretold=bool(row["document"].get("foretold")),
        first_sent_at=went[0],
        sent=went[1],
    )
