"""Sessions that are taken back: who was logged out of all browsers, and when.

A session is a signed cookie that nobody keeps a list of. What can be kept is the moment before
which somebody's sessions count no more: a row of the ledger a person, and one for everybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from stationmaster.ledger.engine import transaction
from stationmaster.ledger.incidentmodels import login_epoch, operator_action
from stationmaster.monitor.incidents.operators import Action, NotAllowedError, Role
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    import datetime as dt

    from stationmaster.monitor.dashboard.reading.source import Source
    from stationmaster.monitor.incidents.operators import Operator

__all__ = ["EVERYBODY", "Logouts", "end_sessions", "logouts_of"]

EVERYBODY: Final = "*"
GOOD_SECONDS: Final = 2.0
"""So long a process of the dashboard may not know yet that another one logged somebody out."""

LONGEST_NAME: Final = 200
LONGEST_WHY: Final = 500


class Logouts:
    """Tell whether a session was taken back.

    Args:
        source: The ledger.
    """

    def __init__(self, source: Source) -> None:
        self._source = source

    def is_over(self, name: str, began: dt.datetime) -> bool:
        """Tell whether a person's session that began then counts no more.

        Raises:
            TemporaryError: The ledger does not answer: nobody is let in unasked.
        """
        known: dict[str, dt.datetime] = self._source.kept(
            "logouts", self._read, seconds=GOOD_SECONDS
        )
        return any(began <= known[each] for each in (EVERYBODY, name) if each in known)

    def _read(self) -> dict[str, dt.datetime]:
        query = sa.select(login_epoch.c.name, login_epoch.c.since)
        return {row["name"]: row["since"] for row in self._source.rows(query)}


def end_sessions(
    engine: sa.Engine, operator: Operator, name: str, *, now: dt.datetime, why: str = ""
) -> None:
    """Log somebody out of all browsers, and write down who did.

    Args:
        engine: Of the ledger.
        operator: Who does it; a viewer may log out himself.
        name: As his login names him; EVERYBODY: all.
        now: The moment; sessions that began later go on.
        why: For the next reader.

    Raises:
        NotAllowedError: A viewer logs out somebody else; it was written down.
        MisconfiguredError: No name, or one that is none.
    """
    plain = name.strip()
    if not plain or len(plain) > LONGEST_NAME:
        raise MisconfiguredError(
            where="log out",
            expected=f"a name as the login tells it, at most {LONGEST_NAME} characters",
            got=plain[:40] or "nothing",
            hint="Write the name that the page of actions shows.",
        )
    if operator.role is not Role.OPERATOR and plain != operator.name:
        why_not = f"the role {operator.role} may log out only itself"
        with transaction(engine, writes=True) as connection:
            _write_down(connection, operator, plain, now, {"refused": why_not})
        raise NotAllowedError(
            where=f"log out {plain}",
            expected=f"the role {Role.OPERATOR}",
            got=f"{operator.name}, who has the role {operator.role}",
            hint="Ask an operator; what you tried was written down.",
        )
    own = {"since": now, "made_by": operator.name, "why": why[:LONGEST_WHY]}
    with transaction(engine, writes=True) as connection:
        mine = login_epoch.c.name == plain
        changed = sa.update(login_epoch).where(mine).values(own).returning(login_epoch.c.name)
        if connection.execute(changed).first() is None:
            connection.execute(sa.insert(login_epoch).values(name=plain, **own))
        _write_down(connection, operator, plain, now, {"sentence": why[:LONGEST_WHY]})


def logouts_of(engine: sa.Engine) -> list[dict[str, Any]]:
    """Return who was logged out of all browsers, when and by whom; the newest first."""
    query = sa.select(login_epoch).order_by(login_epoch.c.since.desc()).limit(LONGEST_NAME)
    with transaction(engine) as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def _write_down(
    connection: sa.Connection,
    operator: Operator,
    name: str,
    now: dt.datetime,
    document: dict[str, str],
) -> None:
    row = {
        "at": now,
        "actor": operator.name,
        "role": operator.role.value,
        "action": Action.LOG_OUT.value,
        "target": "everybody" if name == EVERYBODY else f"person {name}",
        "via": operator.via,
        "document": {key: value for key, value in document.items() if value} or None,
    }
    connection.execute(sa.insert(operator_action).values(row))
