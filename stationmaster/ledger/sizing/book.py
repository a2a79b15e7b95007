"""The size of a step's next run, looked up and written down: what whoever starts steps asks."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

import sqlalchemy as sa

from stationmaster.ledger.engine import is_missing, transaction
from stationmaster.ledger.models import applied_size
from stationmaster.ledger.sizing.applying import Mode, decide
from stationmaster.ledger.sizing.cpu import recommend_cpu
from stationmaster.ledger.sizing.reading import (
    StepHistory,
    StepKey,
    histories_of,
    read_attempts,
)
from stationmaster.ledger.sizing.recommending import Limits, recommend

if TYPE_CHECKING:
    from stationmaster.ledger.sizing.applying import Applied

__all__ = ["GivenSize", "SizeBook"]

HISTORY: Final = dt.timedelta(days=60)
REMEMBERED_SECONDS: Final = 20.0
"""Mapped steps and shards of one moment share what was read for the first of them."""


class GivenSize(NamedTuple):
    """Hold what a step's next run gets, and the sentence that says why."""

    memory_bytes: int
    cpu_millicores: int | None
    """None: as declared."""
    why: str


@dataclass
class SizeBook:
    """Decide sizes by what the ledger knows of each step; every method blocks.

    Args:
        engine: Of the ledger's database.
        mode: What is done with recommendations.
        limits: The largest node.
    """

    engine: sa.Engine
    mode: Mode = Mode.RECOMMEND
    limits: Limits = field(default_factory=Limits)
    _read: dict[StepKey, tuple[float, StepHistory]] = field(default_factory=dict, init=False)

    @property
    def is_missing(self) -> bool:
        """Tell whether the ledger is a file that nobody has made yet."""
        return is_missing(self.engine)

    @property
    def tells(self) -> bool:
        """Tell whether steps' logs are to say what it makes of their sizes."""
        return self.mode is not Mode.OBSERVE

    def size_for(
        self, key: StepKey, declared_bytes: int, declared_millicores: int | None
    ) -> GivenSize:
        """Return the size of a step's next run; what changes is written to the ledger.

        Args:
            key: The step.
            declared_bytes: The memory that its author asks for.
            declared_millicores: The same for CPU; None where it asks for none.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: The ledger does not answer.
        """
        history = self._history(key)
        now = dt.datetime.now(dt.UTC)
        before, day_before = self._in_force(key, now)
        advice = recommend(history.runs, declared_bytes, limits=self.limits)
        applied = decide(
            advice,
            before=before,
            day_before=day_before,
            mode=self.mode,
            limits=self.limits,
            too_small=history.too_small,
        )
        millicores = None
        if self.mode is Mode.APPLY and declared_millicores:
            wanted = recommend_cpu(history.runs, declared_millicores, self.limits).millicores
            millicores = wanted if wanted != declared_millicores else None
        if applied.changed:
            self._write(key, applied, (declared_bytes, advice.memory_bytes, history.too_small), now)
        return GivenSize(applied.memory_bytes, millicores, applied.why)

    def _history(self, key: StepKey) -> StepHistory:
        read_at, history = self._read.get(key, (0.0, None))
        if history is not None and time.monotonic() - read_at < REMEMBERED_SECONDS:
            return history
        since = dt.datetime.now(dt.UTC) - HISTORY
        rows = read_attempts(self.engine, since=since, pipeline=key.pipeline, step=key.step)
        found = {each.key: each for each in histories_of(rows)}
        history = found.get(key) or StepHistory(key)
        self._forget()
        self._read[key] = (time.monotonic(), history)
        return history

    def _forget(self) -> None:
        oldest = time.monotonic() - REMEMBERED_SECONDS
        self._read = {key: each for key, each in self._read.items() if each[0] >= oldest}

    def _in_force(self, key: StepKey, now: dt.datetime) -> tuple[int | None, int | None]:
        """Return the size in force now, and that of a day ago; None: the declared one."""
        table = applied_size
        mine = [table.c[name] == getattr(key, name) for name in StepKey._fields]
        newest = (
            sa.select(table.c.memory_bytes)
            .where(*mine)
            .order_by(table.c.applied_at.desc())
            .limit(1)
        )
        with transaction(self.engine) as connection:
            current = connection.execute(newest).scalar()
            if current is None:
                return None, None
            a_day_ago = newest.where(table.c.applied_at <= now - dt.timedelta(days=1))
            return current, connection.execute(a_day_ago).scalar()

    def _write(
        self, key: StepKey, applied: Applied, known: tuple[int, int, int], now: dt.datetime
    ) -> None:
        declared, recommended, too_small = known
        row = {
            **key._asdict(),
            "applied_at": now,
            "mode": str(applied.mode),
            "memory_bytes": applied.memory_bytes,
            "declared_memory_bytes": declared,
            "recommended_memory_bytes": recommended,
            "proved_too_small_bytes": too_small or None,
            "why": applied.why,
        }
        with transaction(self.engine, writes=True) as connection:
            connection.execute(sa.insert(applied_size).values(row))
