"""What the release's watcher wrote into the ledger and told, read from outside."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from stationmaster.ledger.incidentmodels import incident
from stationmaster.monitor.incidents.reading import (
    events_of,
    findings_of,
    incidents,
    lease,
    messages_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from stationmaster.monitor.incidents.reading import MessageRow
    from stationmaster.monitor.incidents.standing import StandingFinding, StandingIncident
    from tests.cluster.alert_receiver import Received
    from tests.cluster.release import Release

    Answer = TypeVar("Answer")

__all__ = ["Seen"]

PATIENCE_SECONDS: Final = 300.0
"""How long the ledger may be away: the drill stops it on purpose."""


class Seen:
    """Read incidents, events and messages; safe in threads, and patient.

    Args:
        release: Has the ledger.
        received: What reached the receiver of alerts.
    """

    def __init__(self, release: Release, received: Received) -> None:
        self._release = release
        self._received = received
        # A forward whose pod is gone may take a connection and say nothing; and one that is asked
        # for a new connection each second comes to a stand: one is kept.
        patience = {
            "connect_timeout": 10,
            "tcp_user_timeout": 15_000,
            "options": "-c statement_timeout=10000",
        }
        self._engine = sa.create_engine(
            release.database("ledger"),
            pool_size=1,
            max_overflow=0,
            pool_pre_ping=True,
            connect_args=patience,
        )
        self._lock = threading.RLock()

    def incidents(self, since: dt.datetime) -> list[StandingIncident]:
        """Return incidents opened since a moment, or open or closed since then; oldest first."""
        found = self._ask(lambda: incidents(self._engine, closed=True, most=500))
        mine = [each for each in found if each.closed_at is None or each.closed_at >= since]
        return sorted(mine, key=lambda each: each.opened_at)

    def open_numbers(self) -> list[int]:
        """Return the numbers of open incidents."""
        return [each.id for each in self._ask(lambda: incidents(self._engine))]

    def open_titles(self) -> list[str]:
        """Return the titles of open incidents."""
        return [each.title for each in self._ask(lambda: incidents(self._engine))]

    def forget(self) -> None:
        """Let what is closed be closed an hour ago: what comes back sooner is the same incident."""
        older = sa.update(incident).where(incident.c.closed_at.is_not(None))
        hour = dt.timedelta(hours=1)

        def age() -> None:
            with self._engine.begin() as connection:
                connection.execute(older.values(closed_at=incident.c.closed_at - hour))

        self._ask(age)

    def findings(self, number: int) -> list[StandingFinding]:
        """Return what belongs to an incident."""
        return self._ask(lambda: findings_of(self._engine, number))

    def events(self, number: int, since: dt.datetime) -> list[str]:
        """Return what happened to an incident since a moment."""
        rows = self._ask(lambda: events_of(self._engine, number))
        return [each.kind for each in rows if each.at >= since]

    def came_back_at(self, found: StandingIncident) -> dt.datetime | None:
        """Return when an incident was opened anew the last time."""
        rows = self._ask(lambda: events_of(self._engine, found.id))
        return max((each.at for each in rows if each.kind == "reopened"), default=None)

    def sent(self, number: int) -> list[MessageRow]:
        """Return what the outbox sent of an incident."""
        found = self._ask(lambda: messages_of(self._engine, number))
        return [each for each in found if each.state == "sent"]

    def looked_at(self) -> dt.datetime | None:
        """Return when a watcher looked last."""
        found = self._ask(lambda: lease(self._engine))
        return None if found is None else found.looked_at

    def texts(self) -> list[str]:
        """Return what the receiver has got so far; nothing while its node does not answer."""
        try:
            return self._received.texts()
        except subprocess.SubprocessError:
            return []

    def told(self, found: StandingIncident, after: int) -> list[dict[str, Any]]:
        """Return what reached the receiver of one incident after so many texts.

        Where it was told without a database it has no number: then by the name of its check.
        """
        number = re.compile(rf"#{found.id}\b")
        check = found.finding.check
        return [
            {"text": text}
            for text in self.texts()[after:]
            if number.search(text) or (not re.search(r"#\d", text) and f"/{check}" in text)
        ]

    def _ask(self, question: Callable[[], Answer]) -> Answer:
        first = 0.0
        while True:
            try:
                with self._lock:
                    return question()
            except (DBAPIError, ConnectionError):
                first = first or time.monotonic()
                if time.monotonic() - first > PATIENCE_SECONDS:
                    raise
            time.sleep(2)
            with self._lock, suppress(ConnectionError):
                self._engine.dispose()
                self._release.postgres.restart()
