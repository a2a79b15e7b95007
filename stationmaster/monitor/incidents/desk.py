"""What people do to incidents: each act is checked against their role, and written down."""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal

import sqlalchemy as sa

from stationmaster.ledger.incidentmodels import incident, notification, operator_action, silence
from stationmaster.monitor.incidents.book import (
    active_silences,
    changing,
    write_events,
    write_standing,
)
from stationmaster.monitor.incidents.events import Event, EventKind
from stationmaster.monitor.incidents.numbered import OUTBOX, SILENCES, one_incident, unknown
from stationmaster.monitor.incidents.operators import Action, NotAllowedError, Role
from stationmaster.monitor.incidents.rows import standing_incident
from stationmaster.monitor.incidents.standing import IncidentState, Standing
from stationmaster.monitor.incidents.timing import under_silences
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stationmaster.monitor.incidents.matching import Matcher
    from stationmaster.monitor.incidents.operators import Operator
    from stationmaster.monitor.incidents.standing import StandingIncident
    from stationmaster.monitor.incidents.store import IncidentStore

__all__ = ["LONGEST_SILENCE", "Desk", "Judgement"]

Judgement = Literal["real", "false-alarm"]

LONGEST_SILENCE: Final = dt.timedelta(days=30)
"""What is not wanted for longer is a check that must be tuned, or a route that must go."""

LONGEST_TEXT: Final = 4000


class Desk:
    """Let somebody act.

    Every method raises NotAllowedError where the role does not allow it (which is written down),
    and UnknownIncidentError where there is nothing of that number.

    Args:
        store: Where incidents are.
        operator: Who acts.
        clock: Tells the time.
    """

    def __init__(
        self,
        store: IncidentStore,
        operator: Operator,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._store = store
        self._operator = operator
        self._clock = clock

    def acknowledge(self, number: int, *, note: str = "") -> None:
        """Say that one looks after an incident: nobody else is called for it."""
        who = self._operator.name

        def change(found: StandingIncident, at: dt.datetime) -> StandingIncident:
            self._must_be_open(found)
            return replace(
                found,
                state=IncidentState.ACKNOWLEDGED,
                acknowledged_at=at,
                acknowledged_by=who,
            )

        sentence = f"{who} looks after it." + (f" {note}" if note else "")
        self._change(Action.ACKNOWLEDGE, number, EventKind.ACKNOWLEDGED, sentence, change)

    def comment(self, number: int, text: str) -> None:
        """Write a note to an incident.

        Raises:
            MisconfiguredError: The note is empty.
        """
        if not text.strip():
            raise MisconfiguredError(
                where=f"comment on incident {number}",
                expected="a text",
                got="none",
                hint="Write what the next reader should know.",
            )
        self._change(Action.COMMENT, number, EventKind.COMMENTED, text.strip()[:LONGEST_TEXT], _as)

    def judge(self, number: int, judgement: Judgement, *, note: str = "") -> None:
        """Say whether an incident was real, or a false alarm; the rate of them is measured."""
        who = self._operator.name
        said = "a false alarm" if judgement == "false-alarm" else "real"
        sentence = f"{who} says that it was {said}." + (f" {note}" if note else "")
        self._change(
            Action.JUDGE,
            number,
            EventKind.JUDGED,
            sentence,
            lambda found, _: replace(found, judged=judgement, judged_by=who),
        )

    def close(self, number: int, *, why: str = "") -> None:
        """Close an incident by hand.

        What is still found of it stays with it, and opens nothing until it was gone and came back.
        """
        who = self._operator.name

        def change(found: StandingIncident, at: dt.datetime) -> StandingIncident:
            self._must_be_open(found)
            gone_at = found.gone_at or at
            return replace(found, state=IncidentState.CLOSED, gone_at=gone_at, closed_at=at)

        sentence = f"{who} closed it." + (f" {why}" if why else "")
        self._change(Action.CLOSE, number, EventKind.CLOSED, sentence, change)

    def silence(
        self,
        matcher: Matcher,
        *,
        ends_at: dt.datetime,
        why: str,
        begins_at: dt.datetime | None = None,
    ) -> int:
        """Keep incidents from being told for a time; return the silence's number.

        Raises:
            MisconfiguredError: It would end in the past, or in more than 30 days; or it is about
                an incident that is closed.
        """
        at = self._clock()
        begins = begins_at or at
        if not at < ends_at <= begins + LONGEST_SILENCE or begins >= ends_at:
            raise MisconfiguredError(
                where="silence",
                expected="an end in the future, at most 30 days after its beginning",
                got=f"{begins:%Y-%m-%d %H:%M} to {ends_at:%Y-%m-%d %H:%M %Z}",
                hint="Silence for a time; tune the check, or its route, for what is for good.",
            )
        document = matcher.model_dump(exclude_none=True, mode="json")
        with self._acting(Action.SILENCE, matcher.in_words(), document) as connection:
            if matcher.incident is not None:
                self._must_be_open(one_incident(connection, matcher.incident).incidents[0])
            made = sa.insert(silence).values(
                matcher=document,
                begins_at=begins,
                ends_at=ends_at,
                made_by=self._operator.name,
                made_at=at,
                why=why[:LONGEST_TEXT],
            )
            number = int(connection.execute(made.returning(silence.c.id)).scalar_one())
            self._apply_silences(connection, at)
        return number

    def unsilence(self, number: int) -> None:
        """End a silence now."""
        at = self._clock()
        with self._acting(Action.UNSILENCE, f"silence {number}") as connection:
            mine = sa.and_(silence.c.id == number, silence.c.ends_at > at)
            ended = sa.update(silence).where(mine).values(ends_at=at).returning(silence.c.id)
            if connection.execute(ended).first() is None:
                raise unknown(number, "silence", "of one that holds", SILENCES)
            self._apply_silences(connection, at)

    def retry(self, number: int) -> None:
        """Send a message again that was given up."""
        with self._acting(Action.RETRY, f"message {number}") as connection:
            mine = sa.and_(notification.c.id == number, notification.c.state == "given-up")
            again = sa.update(notification).where(mine)
            again = again.values(state="waiting", attempts=0, due_at=self._clock(), last_error="")
            if connection.execute(again.returning(notification.c.id)).first() is None:
                raise unknown(number, "message", "of one that was given up", OUTBOX)

    def tested(self, channel: str) -> None:
        """Write down that somebody tries a channel."""
        with self._acting(Action.TEST, f"channel {channel}"):
            pass

    def refused(self, action: str, target: str, *, why: str) -> None:
        """Write down an act that was refused before it came here: no login, no token."""
        with changing(self._store.engine) as connection:
            self._write_down(connection, action, target, {"refused": why})

    def _change(
        self,
        action: Action,
        number: int,
        kind: EventKind,
        sentence: str,
        change: Callable[[StandingIncident, dt.datetime], StandingIncident],
    ) -> None:
        at = self._clock()
        with self._acting(action, f"incident {number}", {"sentence": sentence}) as connection:
            before = one_incident(connection, number)
            found = before.incidents[0]
            changed = replace(change(found, at), updated_at=at)
            after = replace(before, incidents=(changed,))
            event = Event(
                incident_id=number,
                at=at,
                kind=kind,
                sentence=sentence,
                actor=self._operator.name,
            )
            write_standing(connection, before, after)
            write_events(connection, [event], after, numbers={}, plan=self._store.plan)

    def _apply_silences(self, connection: sa.Connection, at: dt.datetime) -> None:
        query = sa.select(incident).where(incident.c.closed_at.is_(None))
        rows = connection.execute(query).mappings()
        before = Standing(incidents=tuple(standing_incident(row) for row in rows))
        after, events = under_silences(before, active_silences(connection, at), at)
        said = [replace(each, actor=self._operator.name) for each in events]
        write_standing(connection, before, after)
        write_events(connection, said, after, numbers={}, plan=self._store.plan)

    def _must_be_open(self, found: StandingIncident) -> None:
        if not found.is_open:
            raise MisconfiguredError(
                where=f"incident {found.id}",
                expected="an open incident",
                got=f"one that was closed at {found.closed_at:%Y-%m-%d %H:%M %Z}",
                hint="`stationmaster incidents list` shows those that are open.",
            )

    @contextmanager
    def _acting(
        self, action: Action, target: str, document: dict[str, Any] | None = None
    ) -> Iterator[sa.Connection]:
        """Run a block that changes something, with the act written down in its transaction."""
        if self._operator.role is not Role.OPERATOR:
            self.refused(action, target, why=f"the role {self._operator.role} may only read")
            raise NotAllowedError(
                where=f"{action} {target}",
                expected=f"the role {Role.OPERATOR}",
                got=f"{self._operator.name}, who has the role {self._operator.role}",
                hint="Ask whoever gives roles here; what you tried was written down.",
            )
        with changing(self._store.engine) as connection:
            self._write_down(connection, action, target, document or {})
            yield connection

    def _write_down(
        self, connection: sa.Connection, action: str, target: str, document: dict[str, Any]
    ) -> None:
        row = {
            "at": self._clock(),
            "actor": self._operator.name,
            "role": self._operator.role.value,
            "action": str(action),
            "target": target,
            "via": self._operator.via,
            "document": document or None,
        }
        connection.execute(sa.insert(operator_action).values(row))


def _as(found: StandingIncident, at: dt.datetime) -> StandingIncident:
    del at
    return found
