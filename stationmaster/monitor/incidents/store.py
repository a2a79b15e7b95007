"""The one way by which incidents change, for the watcher and for people.

Each change is one transaction with its events and with the messages that they make (the outbox).
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final, Self

import sqlalchemy as sa

from stationmaster.ledger.engine import make_engine, safe_name
from stationmaster.ledger.incidentmodels import check_state, incident_event
from stationmaster.ledger.store import Ledger
from stationmaster.monitor.checks.looking import Outcome
from stationmaster.monitor.incidents.book import (
    active_silences,
    changing,
    read_standing,
    write_events,
    write_standing,
)
from stationmaster.monitor.incidents.events import EventKind
from stationmaster.monitor.incidents.grouping import regrouped
from stationmaster.monitor.incidents.leasing import looked, require_lease
from stationmaster.monitor.incidents.planning import LastTold, TellNobody
from stationmaster.monitor.incidents.standing import not_after
from stationmaster.monitor.incidents.timing import overdue, under_silences
from stationmaster.step.errors import MisconfiguredError, StationmasterError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from stationmaster.monitor.checks.check import Check
    from stationmaster.monitor.checks.looking import CheckLook, Look
    from stationmaster.monitor.incidents.events import Event
    from stationmaster.monitor.incidents.planning import Plan
    from stationmaster.monitor.incidents.relating import ComesOf
    from stationmaster.monitor.incidents.standing import Standing

__all__ = ["IncidentStore", "TooLateError"]

CALLING: Final = frozenset(
    {EventKind.OPENED, EventKind.REOPENED, EventKind.WORSENED, EventKind.SILENCE_OVER}
)
"""These say that an incident is there."""


log = logging.getLogger(__name__)


class TooLateError(StationmasterError):
    """Nobody waits for this look any more: what it found was told without the database."""


class IncidentStore:
    """Hold the incidents of a ledger; safe to share between threads.

    Args:
        engine: Of `make_engine`; belongs to the store.
        plan: Decides who is told of what; nobody by default.

    Methods raise `sqlalchemy.exc.DBAPIError` when the database does not answer, and
    MisconfiguredError when its schema does not fit.
    """

    def __init__(self, engine: sa.Engine, plan: Plan | None = None) -> None:
        self._engine = engine
        self.plan: Plan = plan or TellNobody()
        self._fits = False
        self._fitting = threading.Lock()

    @classmethod
    def open(cls, uri: str, plan: Plan | None = None) -> Self:
        """Return the store at a SQLAlchemy URI of sqlite or Postgres; connects at first use.

        Raises:
            MisconfiguredError: No URI, or one of another database.
        """
        return cls(make_engine(uri), plan)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def engine(self) -> sa.Engine:
        """Return its engine; its schema has been looked at, and a laptop's file brought up."""
        with self._fitting:
            if not self._fits:
                Ledger(self._engine).select(lambda _: sa.select(sa.literal(1)))
                self._fits = True
        return self._engine

    @property
    def name(self) -> str:
        """Return where it is, without a password."""
        return safe_name(self._engine)

    def close(self) -> None:
        """Close its connections."""
        self._engine.dispose()

    def standing(self, at: dt.datetime) -> Standing:
        """Return what stands."""
        with changing(self.engine) as connection:
            return read_standing(connection, at)

    def take_look(  # noqa: PLR0913 (one keyword for each part)
        self,
        look: Look,
        lineage: ComesOf,
        checks: Mapping[str, Check],
        *,
        holder: str,
        now: dt.datetime,
        wanted: Callable[[], bool] = lambda: True,
    ) -> tuple[Standing, list[Event]]:
        """Change incidents by a look; return what stands now, and what happened.

        Args:
            look: What checks found.
            lineage: Knows what comes of what.
            checks: All checks there are, by name, due or not.
            holder: The watcher that looked.
            now: By the clock on the wall, for the lease; a replayed look is of another moment.
            wanted: Asked at the end: whether the watcher still waits for it.

        Raises:
            LeaseLostError: Another watcher looks now; nothing was changed.
            TooLateError: Nobody waits for it any more; nothing was changed.
            MisconfiguredError: A replayed look is older than the last one.
        """
        with changing(self.engine) as connection:
            lease = require_lease(connection, holder, now=now)
            before = stood = read_standing(connection, look.at)
            if lease.looked_at is not None and look.at < lease.looked_at:
                if look.at != now:
                    raise _too_old(look.at, lease.looked_at)
                _warn_of_clock(lease.looked_at, now)
                stood = not_after(before, now)
            after = regrouped(look, stood, lineage, checks)
            silences = active_silences(connection, look.at)
            standing, silenced = under_silences(after.standing, silences, look.at)
            told = _last_told(connection, before)
            standing, late = overdue(standing, self.plan, told, look.at)
            numbers = write_standing(connection, before, standing)
            events = write_events(
                connection,
                [*after.events, *silenced, *late],
                standing,
                numbers=numbers,
                plan=self.plan,
            )
            _write_check_states(connection, look)
            looked(connection, look.at)
            standing = read_standing(connection, look.at)
            if not wanted():
                message = f"The look at {look.at:%H:%M:%S} UTC took too long; nothing is written."
                raise TooLateError(message)
            return standing, events


def _last_told(connection: sa.Connection, before: Standing) -> dict[int, LastTold]:
    """Return when somebody was told of each open incident last."""
    opened = {each.id: each.opened_at for each in before.incidents if each.is_open}
    number, kind, at = (incident_event.c[name] for name in ("incident_id", "kind", "at"))
    kinds = [each.value for each in (*CALLING, EventKind.REMINDED)]
    query = (
        sa.select(number, kind, sa.func.max(at, type_=at.type))
        .where(number.in_(opened), kind.in_(kinds))
        .group_by(number, kind)
    )
    called, reminded = dict(opened), dict(opened)
    for one, what, moment in connection.execute(query):
        reminded[one] = max(reminded[one], moment)
        if what in CALLING:
            called[one] = max(called[one], moment)
    return {one: LastTold(called[one], reminded[one]) for one in opened}


def _write_check_states(connection: sa.Connection, look: Look) -> None:
    known = set(connection.execute(sa.select(check_state.c.check_name)).scalars())
    for each in look.checks:
        row = _state_row(each, look.at)
        if each.check.name in known:
            mine = check_state.c.check_name == each.check.name
            connection.execute(sa.update(check_state).where(mine).values(row))
        else:
            new = row | {"check_name": each.check.name}
            connection.execute(sa.insert(check_state).values(new))


def _state_row(each: CheckLook, at: dt.datetime) -> dict[str, object]:
    answered = {} if each.outcome is Outcome.UNKNOWN else {"answered_at": at}
    return answered | {
        "looked_at": at,
        "outcome": each.outcome.value,
        "why": each.why,
        "findings": len(each.findings),
        "seconds": each.seconds,
    }


def _warn_of_clock(last: dt.datetime, now: dt.datetime) -> None:
    # To wait until the clock is where it was would be to watch nothing until then.
    log.warning(
        "The clock went back by %.0f s, or the last watcher's was ahead: holds and escalations "
        "count from now.",
        (last - now).total_seconds(),
    )


def _too_old(at: dt.datetime, last: dt.datetime) -> MisconfiguredError:
    return MisconfiguredError(
        where=f"look at {at:%Y-%m-%d %H:%M:%S %Z}",
        expected=f"a moment not before the last look, {last:%Y-%m-%d %H:%M:%S %Z}",
        got="an older one",
        hint="Incidents go forward only: replay old days into a ledger of their own "
        "(STATIONMASTER_LEDGER_URI).",
    )
