"""What the watcher does while the database is away: it tells what must be told at once, once.

What it told is kept in a file, so that a watcher that is started again does not tell it again; when
the database is back, it becomes incidents, events and sent messages there.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from stationmaster.monitor.alerts.channels import Batch, ChannelError
from stationmaster.monitor.alerts.deadlines import in_time
from stationmaster.monitor.alerts.message import Message
from stationmaster.monitor.alerts.plan import ALARMS
from stationmaster.monitor.incidents.adopting import AdoptedMessage, adopt
from stationmaster.monitor.incidents.events import Event
from stationmaster.monitor.incidents.grouping import regrouped
from stationmaster.monitor.incidents.planning import Happening
from stationmaster.monitor.incidents.standing import NOTHING, Standing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from stationmaster.monitor.alerts.channels import Delivers
    from stationmaster.monitor.alerts.plan import AlertPlan
    from stationmaster.monitor.checks.check import Check
    from stationmaster.monitor.checks.looking import Look
    from stationmaster.monitor.incidents.relating import ComesOf
    from stationmaster.monitor.incidents.store import IncidentStore

__all__ = ["Away"]

SECONDS_A_MESSAGE: Final = 30.0

log = logging.getLogger(__name__)

STANDING: Final = TypeAdapter(Standing)


class _Told(BaseModel):
    """Hold one message that went, or must go, without the outbox."""

    model_config = ConfigDict(frozen=True)

    number: int
    """Of the incident, in the standing of the file."""
    event: Event
    channel: str
    message: Message
    sent_at: dt.datetime | None = None


class _Kept(BaseModel):
    """Hold what the file holds."""

    since: dt.datetime
    standing: Standing
    told: list[_Told]


class Away:
    """Look without a database.

    Args:
        path: The file that keeps what was told.
        plan: Decides who is told.
        channels: By name.
    """

    def __init__(self, path: Path, plan: AlertPlan, channels: Mapping[str, Delivers]) -> None:
        self._path = path
        self._plan = plan
        self._channels = channels
        self._standing = NOTHING
        self._kept = self._read()

    @property
    def since(self) -> dt.datetime | None:
        """Return since when the database has been away; None: it is there."""
        return None if self._kept is None else self._kept.since

    def remember(self, standing: Standing) -> None:
        """Keep what stood when the database answered last."""
        self._standing = standing

    def take_look(
        self, look: Look, lineage: ComesOf, checks: Mapping[str, Check]
    ) -> Sequence[Event]:
        """Group what was found with what stood, and tell what must be told at once."""
        kept = self._kept or _Kept(since=look.at, standing=self._standing, told=[])
        after = regrouped(look, kept.standing, lineage, checks)
        now = after.standing
        new = [told for event in after.events for told in self._planned(event, now, kept)]
        self._kept = _Kept(since=kept.since, standing=_counting(now), told=[*kept.told, *new])
        self._write()
        self._deliver(look.at)
        return after.events

    def reconcile(self, store: IncidentStore) -> None:
        """Bring what was told meanwhile into the database, and forget it here.

        Raises:
            sqlalchemy.exc.DBAPIError: It is away again; nothing is lost.
        """
        kept = self._kept
        if kept is None:
            return
        known = {each.number for each in kept.told}
        adopted = [
            AdoptedMessage(
                number=each.number,
                event=each.event,
                channel=each.channel,
                document=each.message.model_dump(mode="json"),
                sent_at=each.sent_at,
            )
            for each in kept.told
        ]
        number = adopt(store.engine, kept.standing, known, adopted, since=kept.since)
        log.warning(
            "The ledger answers again; it was away since %s. %s incidents that were told meanwhile "
            "are in it now.",
            f"{kept.since:%Y-%m-%d %H:%M:%S} UTC",
            number,
        )
        if self._kept is kept:  # else this came too late, and more was told meanwhile
            self._kept = None
            self._forget_file()

    def _planned(self, event: Event, standing: Standing, kept: _Kept) -> list[_Told]:
        if event.kind not in ALARMS:
            return []
        (incident,) = (each for each in standing.incidents if each.id == event.incident_id)
        mine = [each for each in standing.findings if each.incident_id == event.incident_id]
        happening = Happening(
            event=event,
            incident=incident,
            findings=tuple(sorted(mine, key=lambda each: each.key != incident.cause)),
            channels=frozenset(each.channel for each in kept.told if each.number == incident.id),
            silenced=incident.silence_id is not None,
        )
        return [
            _Told(
                number=incident.id,
                event=event,
                channel=each.channel,
                message=Message.model_validate(each.document),
            )
            for each in self._plan.messages(happening)
            if each.due_at <= event.at
        ]

    def _deliver(self, now: dt.datetime) -> None:
        kept = self._kept
        if kept is None:
            return
        kept.told.extend(self._passed_on(kept, now))
        down: set[str] = set()
        for index, each in enumerate(kept.told):
            if each.sent_at is not None or each.channel in down:
                continue
            if self._taken(each):
                kept.told[index] = each.model_copy(update={"sent_at": now})
                self._write()
            else:
                # One that hangs is waited for once a look, not once a message.
                down.add(each.channel)

    def _passed_on(self, kept: _Kept, now: dt.datetime) -> list[_Told]:
        """Return what the next channels are told, since a channel has not taken it for long."""
        after = dt.timedelta(minutes=self._plan.alerting.lost_after_minutes)
        had = {(each.number, each.event.at, each.event.kind, each.channel) for each in kept.told}
        given = []
        for each in kept.told:
            if each.sent_at is not None or now - each.event.at < after:
                continue
            for name in self._plan.route_of(each.message).next_channels:
                same = (each.number, each.event.at, each.event.kind, name)
                if same not in had:
                    had.add(same)
                    message = each.message.model_copy(update={"instead_of": each.channel})
                    given.append(each.model_copy(update={"channel": name, "message": message}))
        return given

    def _taken(self, each: _Told) -> bool:
        channel = self._channels.get(each.channel)
        if channel is None:
            return False
        batch = Batch(
            messages=(each.message,),
            key=f"{each.message.uid}:{each.event.kind}:{each.channel}",
            zone=self._plan.zone_of(each.message.owner),
        )
        try:
            in_time(
                lambda: channel.deliver(batch), SECONDS_A_MESSAGE, name=f"channel-{each.channel}"
            )
        except (ChannelError, TimeoutError) as error:
            log.warning("Message not taken by channel %s: %s", each.channel, error)
            return False
        return True

    def _read(self) -> _Kept | None:
        try:
            return _Kept.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            log.warning("The file %s cannot be used, and is put aside: %s", self._path, error)
            self._put_aside()
            return None

    def _forget_file(self) -> None:
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:  # read again it brings nothing twice
            log.warning("The file %s cannot be removed: %s", self._path, error)

    def _put_aside(self) -> None:
        try:
            self._path.rename(self._path.with_name(f"{self._path.name}.refused"))
        except OSError as error:
            log.warning("It cannot be put aside either: %s", error)

    def _write(self) -> None:
        """Replace the file at once: who is killed meanwhile finds the one of before."""
        if self._kept is None:
            return
        new = self._path.with_name(f"{self._path.name}.new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with new.open("w", encoding="utf-8") as file:
                file.write(self._kept.model_dump_json())
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._path)
        except OSError as error:
            log.warning("The file %s cannot be written: %s", self._path, error)


def _counting(standing: Standing) -> Standing:
    return replace(
        standing, findings=tuple(each for each in standing.findings if each.cleared_at is None)
    )
