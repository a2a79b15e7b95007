"""Read from the ledger what a question about money needs."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from stationmaster.ledger.cost.uses import Use
from stationmaster.ledger.models import attempt
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stationmaster.ledger.cost.nodes import NodeLife
    from stationmaster.ledger.store import Ledger

__all__ = ["MOST_ATTEMPTS", "Window", "lives_in", "uses_in"]

MOST_ATTEMPTS: Final = 1_000_000
"""More are a question for `ledger export`: a split is made of each of them."""

READ_SECONDS: Final = 120.0
LONGEST_ATTEMPT: Final = dt.timedelta(days=2)
"""How long before its record an attempt may have begun, to be found by when it was recorded."""


@dataclass(frozen=True)
class Window:
    """Hold the time that is asked about, days in UTC, both included."""

    first: dt.date
    last: dt.date

    @property
    def since(self) -> dt.datetime:
        """Return its begin."""
        return dt.datetime.combine(self.first, dt.time(tzinfo=dt.UTC))

    @property
    def until(self) -> dt.datetime:
        """Return its end: of the last day, or now."""
        end = dt.datetime.combine(self.last + dt.timedelta(days=1), dt.time(tzinfo=dt.UTC))
        return min(end, dt.datetime.now(dt.UTC))


def uses_in(ledger: Ledger, window: Window, pipeline: str | None = None) -> list[Use]:
    """Return the attempts that were recorded in a time, or up to two days after it.

    Raises:
        MisconfiguredError: There are more than MOST_ATTEMPTS.
    """
    columns = [attempt.c[name] for name in Use.names()]
    began = sa.func.coalesce(attempt.c.scheduled_at, attempt.c.started_at, attempt.c.recorded_at)
    query = (
        sa.select(*columns)
        .where(attempt.c.recorded_at >= window.since)
        .where(attempt.c.recorded_at < window.until + LONGEST_ATTEMPT)
        .where(began < window.until)
        .limit(MOST_ATTEMPTS + 1)
    )
    if pipeline is not None:
        query = query.where(attempt.c.pipeline == pipeline)
    rows: list[dict[str, Any]] = ledger.select(lambda _: query, READ_SECONDS)
    if len(rows) > MOST_ATTEMPTS:
        raise MisconfiguredError(
            where="stationmaster cost",
            expected=f"at most {MOST_ATTEMPTS:,} attempts",
            got=f"more, from {window.first} to {window.last}",
            hint="Ask for fewer days, or for one --pipeline.",
        )
    return [Use.of(row) for row in rows]


def lives_in(ledger: Ledger, window: Window, uses: Sequence[Use]) -> list[NodeLife]:
    """Return the nodes of steps: that an attempt was on, and the others of their pools."""
    names, pools = {each.node for each in uses}, {each.node_pool for each in uses} - {""}
    lives = ledger.lives_between(window.since, window.until)
    return [each for each in lives if each.name in names or each.node_pool in pools]
