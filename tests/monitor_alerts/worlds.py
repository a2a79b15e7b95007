"""A world that tests change: what its checks find, and the watchers that look at it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from stationmaster.monitor.alerts.sending import Sender
from stationmaster.monitor.checks.check import Check
from stationmaster.monitor.checks.finding import Layer, Severity
from stationmaster.monitor.facts.facts import Facts
from stationmaster.monitor.incidents.store import IncidentStore
from stationmaster.monitor.watching.away import Away
from stationmaster.monitor.watching.watcher import Watched, Watcher
from tests.monitor_alerts.offices import Kept, Office
from tests.monitor_incidents.situations import LINEAGE, MINUTE, NOW

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from stationmaster.monitor.checks.finding import Finding

__all__ = ["World"]


class World:
    """Hold what is wrong, and let watchers look at it.

    Args:
        uri: Of the ledger.
        folder: Of watchers' files.
        alerting: Who is told; the chat of everything by default.
    """

    def __init__(
        self, uri: str, folder: Path, alerting: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        self.wrong: list[Finding] = []
        self.hold_minutes = 0
        self.office = Office(uri, dict(alerting) or {"otherwise": ["chat"]})
        self._uri = uri
        self._folder = folder

    @property
    def chat(self) -> Kept:
        """Return the channel that everything goes to."""
        return self.office.chat

    def watcher(self, name: str = "one", *, answer_seconds: float = 20.0) -> Watcher:
        """Return a watcher with connections of its own, and its own file."""
        plan, channels = self.office.plan, self.office.channels
        store = IncidentStore.open(self._uri, plan)
        return Watcher(
            store,
            Sender(lambda: self.office.outbox, plan, channels),
            self.facts,
            self.checks(),
            away=Away(self._folder / f"{name}.json", plan, channels),
            holder=name,
            answer_seconds=answer_seconds,
        )

    def look(self, watcher: Watcher, minute: float) -> Watched:
        """Let a watcher look some minutes after `NOW`."""
        return watcher.look(NOW + minute * MINUTE)

    def facts(self, now: dt.datetime) -> Facts:
        """Return the facts of a moment."""
        return Facts(now=now, parts={"lineage": lambda: LINEAGE})

    def checks(self) -> Iterable[Check]:
        """Return a check that finds what is wrong."""
        return [
            Check(
                name="late",
                layer=Layer.PIPELINE,
                severity=Severity.WARNING,
                owner="analytics",
                summary="Something is late.",
                look=lambda _: list(self.wrong),
                hold=self.hold_minutes * MINUTE,
            )
        ]
