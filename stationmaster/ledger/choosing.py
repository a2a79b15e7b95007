"""Which attempts a question is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from stationmaster.ledger.models import attempt

if TYPE_CHECKING:
    import datetime as dt

__all__ = ["Choice"]


@dataclass(frozen=True)
class Choice:
    """Hold what attempts must have in common; None leaves it open.

    `since` and `until` are business dates, both included. `verdict` may be "running": no end yet.
    `trace` is a W3C trace id.
    """

    pipeline: str | None = None
    step: str | None = None
    run: str | None = None
    verdict: str | None = None
    team: str | None = None
    trace: str | None = None
    since: dt.date | None = None
    until: dt.date | None = None

    def condition(self) -> sa.ColumnElement[bool]:
        """Return it as a condition of SQL."""
        columns = attempt.c
        named = {
            columns.pipeline: self.pipeline,
            columns.step: self.step,
            columns.run_id: self.run,
            columns.team: self.team,
            columns.trace_id: self.trace,
        }
        conditions = [column == value for column, value in named.items() if value is not None]
        if self.verdict == "running":
            conditions.append(columns.verdict.is_(None))
        elif self.verdict is not None:
            conditions.append(columns.verdict == self.verdict.replace(" ", "_"))
        if self.since is not None:
            conditions.append(columns.business_date >= self.since)
        if self.until is not None:
            conditions.append(columns.business_date <= self.until)
        return sa.and_(sa.true(), *conditions)
