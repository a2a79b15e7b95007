"""The watcher: takes the lease, looks, changes incidents, sends.

It asks no clock of its own: who calls it says which moment it is, so that days can be replayed.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.exc import DBAPIError

from stationmaster.monitor.alerts.deadlines import in_time
from stationmaster.monitor.alerts.sending import Sent
from stationmaster.monitor.incidents.leasing import LeaseLostError, give_back, take_lease
from stationmaster.monitor.watching.enriching import lineage_of_look, with_affected
from stationmaster.monitor.watching.looking import Looker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from stationmaster.monitor.alerts.sending import Sender
    from stationmaster.monitor.checks.check import Check
    from stationmaster.monitor.checks.looking import Look
    from stationmaster.monitor.facts.facts import Facts
    from stationmaster.monitor.incidents.events import Event
    from stationmaster.monitor.incidents.standing import Standing
    from stationmaster.monitor.incidents.store import IncidentStore
    from stationmaster.monitor.lineage import Lineage
    from stationmaster.monitor.watching.away import Away

__all__ = ["Watched", "Watcher"]

ANSWER_SECONDS: Final = 20.0
"""Whatever the driver of the database believes."""

SENDING_SECONDS: Final = 120.0

WAITED_FOR_LONG: Final = frozenset({"55P03", "57014"})
"""What Postgres says when a lock, or a statement that waits for one, takes too long:
https://www.postgresql.org/docs/current/errcodes-appendix.html"""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Watched:
    """Hold what one turn of the watcher did.

    Args:
        look: What checks found; None: another watcher looks.
        events: What happened to incidents.
        sent: What was sent.
        holder: Who has the lease; empty: the database is away.
        away: Why the database did not answer; empty: it did.
    """

    look: Look | None = None
    events: tuple[Event, ...] = ()
    sent: Sent
    holder: str
    away: str = ""


class Watcher:
    """Look, and do what follows of it.

    Args:
        store: Where incidents are.
        sender: Sends what the outbox holds.
        gather: Returns the facts of a moment.
        checks: All checks there are.
        away: What is done while the database is away; None: nothing, it is an error.
        holder: Its name, one that no other watcher has.
        lease: For how long it keeps others from looking.
        about: What it says of itself, for people.
        look_seconds: How long one look may take.
        answer_seconds: A database that has not answered by then is away.
    """

    def __init__(  # noqa: PLR0913 (one keyword for each part)
        self,
        store: IncidentStore,
        sender: Sender,
        gather: Callable[[dt.datetime], Facts],
        checks: Iterable[Check],
        *,
        away: Away | None = None,
        holder: str = "watcher",
        lease: dt.timedelta = dt.timedelta(minutes=3),
        about: Mapping[str, Any] | None = None,
        look_seconds: float = 40.0,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._store = store
        self._sender = sender
        self._gather = gather
        self._looker = Looker(checks, seconds=look_seconds)
        self._away = away
        self._holder = holder
        self._length = lease
        self._about = dict(about or {})
        self._answer_seconds = answer_seconds
        self._is_mine = True
        self._has_looked = False

    def look(self, now: dt.datetime, *, wall: dt.datetime | None = None) -> Watched:
        """Look at a moment, change incidents, and send what is due then.

        Args:
            now: The moment.
            wall: By the clock on the wall, for the lease; the same by default.

        Raises:
            MisconfiguredError: The ledger's schema does not fit, or the moment is before the last.
            sqlalchemy.exc.DBAPIError: The database is away, and nothing is done without it.
        """
        clock = wall or now
        try:
            holder = self._take_lease(clock)
        except (DBAPIError, TimeoutError) as error:
            return self._without_database(now, error)
        if holder != self._holder:
            return Watched(sent=Sent(), holder=holder)
        look, lineage = self._looked(now)
        try:
            events = self._change(look, lineage, clock)
        except LeaseLostError as error:
            log.warning("%s", error)
            return Watched(sent=Sent(), holder="another")
        except (DBAPIError, TimeoutError) as error:
            return self._without_database(now, error, look, lineage)
        return Watched(look=look, events=tuple(events), sent=self.send(now), holder=holder)

    def send(self, now: dt.datetime) -> Sent:
        """Send what is due; what fails is due again later."""
        try:
            return in_time(lambda: self._sender.send(now), SENDING_SECONDS, name="sending")
        except (DBAPIError, TimeoutError) as error:
            log.warning("What waits in the outbox goes later: %s", _flat(error))
        except Exception:
            # An error in one message must not keep the watcher from looking.
            log.exception("What waits in the outbox goes later")
        return Sent()

    def give_back(self, wall: dt.datetime) -> None:
        """End its lease, so that the next watcher need not wait."""
        try:
            in_time(
                lambda: give_back(self._store.engine, self._holder, now=wall),
                self._answer_seconds,
                name="lease",
            )
        except (DBAPIError, TimeoutError) as error:
            log.warning("The lease ends by itself: %s", _flat(error))

    def _take_lease(self, wall: dt.datetime) -> str:
        lease = in_time(
            lambda: take_lease(
                self._store.engine, self._holder, now=wall, length=self._length, about=self._about
            ),
            self._answer_seconds,
            name="lease",
        )
        self._is_mine = lease.holder == self._holder
        return lease.holder

    def _looked(self, now: dt.datetime) -> tuple[Look, Lineage]:
        facts = self._gather(now)
        look = self._looker.look(facts)
        lineage = lineage_of_look(facts)
        return with_affected(look, lineage), lineage

    def _change(self, look: Look, lineage: Lineage, wall: dt.datetime) -> list[Event]:
        late = threading.Event()

        def change() -> tuple[Standing, list[Event]]:
            if self._away is not None:
                self._away.reconcile(self._store)
            return self._store.take_look(
                look,
                lineage,
                self._looker.checks,
                holder=self._holder,
                now=wall,
                wanted=lambda: not late.is_set(),
            )

        try:
            standing, events = in_time(change, self._answer_seconds, name="incidents")
        except TimeoutError:
            late.set()  # what is told without the database is not written by it as well
            raise
        self._has_looked = True
        if self._away is not None:
            self._away.remember(standing)
        return events

    def _without_database(
        self,
        now: dt.datetime,
        error: Exception,
        look: Look | None = None,
        lineage: Lineage | None = None,
    ) -> Watched:
        """Look all the same, and tell what must be told, where this watcher was the one."""
        if self._away is None:
            raise error
        # A watcher that has just begun, and waits for one that is at work, is not the one.
        begins = not self._has_looked and _is_locked(error)
        if begins or not self._is_mine:
            return Watched(sent=Sent(), holder="", away=_flat(error))
        if look is None or lineage is None:
            look, lineage = self._looked(now)
        events = self._away.take_look(look, lineage, self._looker.checks)
        return Watched(look=look, events=tuple(events), sent=Sent(), holder="", away=_flat(error))


def _is_locked(error: Exception) -> bool:
    """Tell whether the database answers, and somebody else changes incidents for long."""
    said = getattr(error, "orig", None)
    return getattr(said, "pgcode", None) in WAITED_FOR_LONG or "is locked" in str(said)


def _flat(error: Exception) -> str:
    return " ".join(str(getattr(error, "orig", None) or error).split())
