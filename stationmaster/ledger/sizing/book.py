"""The size of a step's next run, looked up and written down: what whoever starts steps asks.

Fifty steps that start in one moment are one or two questions to the database, not a hundred: who
reads reads for all steps that are expected or asked for by then, and for those that ask a moment
later. What all steps taught together is learnt in a thread of its own, once an hour.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from stationmaster.ledger.engine import is_missing, transaction
from stationmaster.ledger.models import applied_size
from stationmaster.ledger.sizing.applying import Mode, decide
from stationmaster.ledger.sizing.cpu import recommend_cpu
from stationmaster.ledger.sizing.learning import pool_of
from stationmaster.ledger.sizing.margins import Pool
from stationmaster.ledger.sizing.reading import (
    StepHistory,
    StepKey,
    histories_of,
    read_attempts,
    read_busy_steps,
    read_sizes_around,
)
from stationmaster.ledger.sizing.recommending import Limits, recommend

if TYPE_CHECKING:
    from stationmaster.ledger.sizing.applying import Applied

__all__ = ["GivenSize", "SizeBook"]

HISTORY: Final = dt.timedelta(days=60)
READ_RUNS: Final = 200
"""Of a step and class of parameters: older ones change its size by less than a margin's step."""

REMEMBERED_SECONDS: Final = 20.0
"""Mapped steps and shards of one moment share what was read for the first of them."""

EXPECTED_SECONDS: Final = 300.0
"""After that time a step that was announced and never asked for is not read with the others."""

READ_AT_ONCE: Final = 16
"""Steps in one question: the first of them waits for the rows of all."""

AWAY_SECONDS: Final = 10.0
"""After a question that failed nobody asks for so long."""

LEARNT_SECONDS: Final = 3600.0
LEARNT_DAYS: Final = dt.timedelta(days=7)
LEARNT_STEPS: Final = 300
LEARNT_RUNS: Final = 100
"""The pool is learnt from the newest runs of the steps that run most often: 30,000 runs take about
half a second of CPU, and more of them teach it nothing new."""

_log = logging.getLogger(__name__)


class GivenSize(NamedTuple):
    """Hold what a step's next run gets, and the sentence that says why."""

    memory_bytes: int
    cpu_millicores: int | None
    """None: as declared."""
    why: str


class _Known(NamedTuple):
    """Hold what was read of one step, and when (monotonic seconds)."""

    read_at: float
    histories: dict[StepKey, StepHistory]
    sizes: dict[StepKey, tuple[int, int | None]]
    """In force now, and a day ago."""


@dataclass
class SizeBook:
    """Decide sizes by what the ledger knows of each step, from any thread; `size_for` blocks.

    Args:
        engine: Of the ledger's database.
        mode: What is done with recommendations.
        limits: The largest node.
        learns: Whether steps teach one another: worth it for who starts many.
    """

    engine: sa.Engine
    mode: Mode = Mode.RECOMMEND
    limits: Limits = field(default_factory=Limits)
    learns: bool = False
    pool: Pool = field(default_factory=Pool, init=False)
    _learnt_at: float | None = field(default=None, init=False)
    _read: dict[tuple[str, str], _Known] = field(default_factory=dict, init=False)
    _expected: dict[tuple[str, str], float] = field(default_factory=dict, init=False)
    _away: tuple[float, str] | None = field(default=None, init=False)
    _changing: threading.Lock = field(default_factory=threading.Lock, init=False)
    _reading: threading.Lock = field(default_factory=threading.Lock, init=False)

    @property
    def is_missing(self) -> bool:
        """Tell whether the ledger is a file that nobody has made yet."""
        return is_missing(self.engine)

    @property
    def tells(self) -> bool:
        """Tell whether steps' logs are to say what it makes of their sizes."""
        return self.mode is not Mode.OBSERVE

    def expect(self, pipeline: str, step: str) -> None:
        """Announce that a step's size will be asked for: it is read with others'; never blocks."""
        with self._changing:
            self._expected[pipeline, step] = time.monotonic()

    def size_for(
        self,
        key: StepKey,
        declared_bytes: int,
        declared_millicores: int | None,
        *,
        next_input: int | None = None,
    ) -> GivenSize:
        """Return the size of a step's next run; what changes is written to the ledger.

        Args:
            key: The step.
            declared_bytes: The memory that its author asks for.
            declared_millicores: The same for CPU; None where it asks for none.
            next_input: Bytes that the run will read, where they are known.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: The ledger does not answer.
        """
        if self.learns:
            self._learn_in_time()
        known = self._known(key.pipeline, key.step)
        history = known.histories.get(key) or StepHistory(key)
        before, day_before = known.sizes.get(key, (None, None))
        advice = recommend(
            history.runs,
            declared_bytes,
            next_input=next_input,
            pool=self.pool,
            limits=self.limits,
        )
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
            self._write(key, applied, (declared_bytes, advice.memory_bytes, history.too_small))
            known.sizes[key] = (applied.memory_bytes, day_before)
        return GivenSize(applied.memory_bytes, millicores, applied.why)

    def learn(self) -> None:
        """Learn anew what steps teach one another; takes a second or two, most of it waiting."""
        now = dt.datetime.now(dt.UTC)
        steps = read_busy_steps(self.engine, since=(now - LEARNT_DAYS).date(), most=LEARNT_STEPS)
        runs = []
        for start in range(0, len(steps), READ_AT_ONCE):
            some = steps[start : start + READ_AT_ONCE]
            rows = read_attempts(self.engine, since=now - HISTORY, steps=some, most=LEARNT_RUNS)
            runs += [
                [run._replace(requested_bytes=each.declared_bytes) for run in each.runs]
                for each in histories_of(rows)
            ]
        self.pool = pool_of(runs)

    def _learn_in_time(self) -> None:
        with self._changing:
            now = time.monotonic()
            if self._learnt_at is not None and now - self._learnt_at < LEARNT_SECONDS:
                return
            self._learnt_at = now
        threading.Thread(target=self._learn_or_say, name="sizes", daemon=True).start()

    def _learn_or_say(self) -> None:
        try:
            self.learn()
        except Exception as error:  # noqa: BLE001 (no step waits for it; the next hour tries again)
            _log.warning("What steps teach one another is as it was an hour ago: %s", error)

    def _known(self, pipeline: str, step: str) -> _Known:
        """Return what is known of a step, read with others that are expected."""
        mine = (pipeline, step)
        if (known := self._fresh(mine)) is not None:
            return known
        self.expect(*mine)
        with self._reading:  # one reads for all who wait here
            if (known := self._fresh(mine)) is not None:
                return known
            self._refuse_while_away()
            with self._changing:
                self._forget()
                others = [each for each in self._expected if each != mine]
            steps = [mine, *others[: READ_AT_ONCE - 1]]
            try:
                return self._read_all(steps)[mine]
            except SQLAlchemyError as error:
                self._away = (time.monotonic(), str(error).partition("\n")[0])
                raise

    def _refuse_while_away(self) -> None:
        """Let fifty steps not wait one after the other for a ledger that does not answer."""
        if self._away is None or time.monotonic() - self._away[0] >= AWAY_SECONDS:
            return
        message = f"it did not answer a moment ago: {self._away[1]}"
        raise SQLAlchemyError(message)

    def _fresh(self, step: tuple[str, str]) -> _Known | None:
        with self._changing:
            known = self._read.get(step)
            if known is None or time.monotonic() - known.read_at >= REMEMBERED_SECONDS:
                return None
            self._expected.pop(step, None)
            return known

    def _forget(self) -> None:
        now = time.monotonic()
        self._read = {
            step: each
            for step, each in self._read.items()
            if now - each.read_at < REMEMBERED_SECONDS
        }
        self._expected = {
            step: at
            for step, at in self._expected.items()
            if now - at < EXPECTED_SECONDS and step not in self._read
        }

    def _read_all(self, steps: list[tuple[str, str]]) -> dict[tuple[str, str], _Known]:
        now = dt.datetime.now(dt.UTC)
        rows = read_attempts(self.engine, since=now - HISTORY, steps=steps, most=READ_RUNS)
        sizes = read_sizes_around(self.engine, steps, now - dt.timedelta(days=1))
        read_at = time.monotonic()
        found = {step: _Known(read_at, {}, {}) for step in steps}
        for history in histories_of(rows):
            found[history.key.pipeline, history.key.step].histories[history.key] = history
        for key, given in sizes.items():
            found[key.pipeline, key.step].sizes[key] = given
        with self._changing:
            self._read |= found
            for step in steps:
                self._expected.pop(step, None)
        return found

    def _write(self, key: StepKey, applied: Applied, known: tuple[int, int, int]) -> None:
        declared, recommended, too_small = known
        row = {
            **key._asdict(),
            "applied_at": dt.datetime.now(dt.UTC),
            "mode": str(applied.mode),
            "memory_bytes": applied.memory_bytes,
            "declared_memory_bytes": declared,
            "recommended_memory_bytes": recommended,
            "proved_too_small_bytes": too_small or None,
            "why": applied.why,
        }
        with transaction(self.engine, writes=True) as connection:
            connection.execute(sa.insert(applied_size).values(row))
