"""A small office: a store, its sender, channels and a watcher, at moments that tests choose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from stationmaster.monitor.alerts.apprisechannel import AppriseChannel
from stationmaster.monitor.alerts.outbox import Outbox
from stationmaster.monitor.alerts.plan import AlertPlan
from stationmaster.monitor.alerts.routing import Alerting, Channel
from stationmaster.monitor.alerts.sending import Sender, Sent
from stationmaster.monitor.incidents.desk import Desk
from stationmaster.monitor.incidents.operators import Operator, Role
from stationmaster.monitor.incidents.reading import MessageRow, incidents, messages
from stationmaster.monitor.incidents.store import IncidentStore
from tests.monitor_incidents.looks import look_into
from tests.monitor_incidents.situations import LATE, MINUTE, NOW

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence
    from pathlib import Path

    from stationmaster.monitor.alerts.channels import Batch, Delivers
    from stationmaster.monitor.alerts.message import Message
    from stationmaster.monitor.checks.check import Check
    from stationmaster.monitor.checks.finding import Finding
    from stationmaster.monitor.incidents.events import Event

__all__ = ["LONDON", "Kept", "Office", "webhook"]

LONDON = ZoneInfo("Europe/London")


class Kept:
    """A channel that keeps what it was given; people read it, or a machine."""

    def __init__(self, *, groups: bool = True) -> None:
        self.groups = groups
        self.batches: list[Batch] = []

    def deliver(self, batch: Batch) -> None:
        """Keep a batch."""
        self.batches.append(batch)

    def refresh(self, messages: Sequence[Message]) -> None:
        """Forget nothing."""

    @property
    def kinds(self) -> list[str]:
        """Return what each message told."""
        return [each.kind.value for batch in self.batches for each in batch.messages]


class Office:
    """Live through minutes: look, act, send.

    Args:
        uri: Of the ledger.
        alerting: The part `alerts` of the file of expectations.
        channels: By name; `chat`, `call` and `log` keep what they are given by default.
    """

    def __init__(
        self, uri: str, alerting: dict[str, Any], channels: dict[str, Delivers] | None = None
    ) -> None:
        self.chat, self.call = Kept(), Kept()
        known = {"chat": {"kind": "log"}, "call": {"kind": "log"}}
        document = {"channels": known | alerting.pop("channels", {})} | alerting
        self.plan = AlertPlan(
            Alerting.model_validate(document), LONDON, public_url="https://monitor.example.com"
        )
        self.store = IncidentStore.open(uri, self.plan)
        given: dict[str, Delivers] = {"chat": self.chat, "call": self.call, "log": Kept()}
        self.channels = given | (channels or {})
        self.outbox = Outbox(self.store.engine)
        self.sender = Sender(lambda: self.outbox, self.plan, self.channels)

    def look(
        self, *findings: Finding, minute: float = 0, checks: Sequence[Check] = (LATE,)
    ) -> list[Event]:
        """Look some minutes after `NOW`."""
        return look_into(self.store, *findings, minute=minute, checks=checks)

    def send(self, minute: float = 0) -> Sent:
        """Send what is due some minutes after `NOW`."""
        return self.sender.send(NOW + minute * MINUTE)

    def desk(self, minute: float = 0) -> Desk:
        """Return an operator's desk."""
        ann = Operator(name="ann", role=Role.OPERATOR, via="cli")
        return Desk(self.store, ann, lambda: NOW + minute * MINUTE)

    @property
    def number(self) -> int:
        """Return the number of the newest incident."""
        return incidents(self.store.engine, closed=True)[0].id

    def states(self) -> list[tuple[str, str]]:
        """Return channel and state of all messages, oldest first."""
        return [(each.channel, each.state) for each in self.messages()]

    def messages(self) -> list[MessageRow]:
        """Return all messages, oldest first."""
        return messages(self.store.engine)[::-1]


def webhook(secrets: Path, port: int, *, name: str = "hook") -> AppriseChannel:
    """Return a channel of apprise that posts JSON to a port of this machine."""
    secrets.mkdir(exist_ok=True)
    secret = secrets / name
    secret.write_text(f"json://user:hunter2secret@127.0.0.1:{port}/team\n", encoding="utf-8")
    return AppriseChannel(Channel(kind="apprise", secret=name), secrets)


def at(minute: float) -> dt.datetime:
    """Return a moment some minutes after `NOW`."""
    return NOW + minute * MINUTE
