"""The ledger as pages ask it: bounded questions, each asked once for all who look."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar, cast

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from stationmaster.ledger.engine import safe_name, transaction
from stationmaster.step.errors import TemporaryError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Hashable
    from zoneinfo import ZoneInfo

    import sqlalchemy as sa

__all__ = ["Source"]

T = TypeVar("T")

MOST_ANSWERS: Final = 500
"""Answers that are kept; the one that was asked for longest ago goes first."""

AT_MOST: Final = 10.0
"""An answer stays good for ten times as long as it took: at most a tenth of the time is spent."""


class _Answer(NamedTuple):
    made: float
    took: float
    generation: int
    value: Any


@dataclass
class Source:
    """Hold where pages read, and the answers that are still good.

    Args:
        engine: Of the ledger's database.
        now: The moment; a sample has a clock of its own.
        zone: Of the business clock.
        fresh_seconds: How long an answer is good at most, if nothing changed.
    """

    engine: sa.Engine
    now: Callable[[], dt.datetime]
    zone: ZoneInfo
    fresh_seconds: float = 5.0
    generation: int = 0
    _floor: int = 0
    _answers: OrderedDict[Hashable, _Answer] = field(default_factory=OrderedDict, repr=False)
    _locks: dict[Hashable, threading.Lock] = field(default_factory=dict, repr=False)
    _guard: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def rows(self, query: sa.Select[Any], *, most: int | None = None) -> list[dict[str, Any]]:
        """Return the rows of a question.

        Args:
            query: What is asked.
            most: Rows that are read at most.

        Raises:
            TemporaryError: The database does not answer, or not in time.
        """
        bounded = query if most is None else query.limit(most)
        return self.ask(
            lambda connection: [dict(r) for r in connection.execute(bounded).mappings()]
        )

    def ask(self, question: Callable[[sa.Connection], T]) -> T:
        """Return what a function reads in one transaction whose statements end in time.

        Raises:
            TemporaryError: The database does not answer, or not in time.
        """
        try:
            with transaction(self.engine) as connection:
                return question(connection)
        except (DBAPIError, SQLAlchemyError) as error:
            why = getattr(error, "orig", None) or error
            raise TemporaryError(
                where=f"ledger at {safe_name(self.engine)}",
                expected="an answer",
                got=" ".join(str(why).split())[:300],
                hint="Look whether the database runs, and whether `stationmaster ledger migrate` "
                "was run for this release.",
            ) from error

    def kept(self, key: Hashable, make: Callable[[], T], *, seconds: float | None = None) -> T:
        """Return an answer that is still good, or a new one; several who ask at once ask once.

        Args:
            key: Which question.
            make: Asks it.
            seconds: The answer is good so long, whatever changes; None: until something changes,
                at most `fresh_seconds`.
        """
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            found = self._answers.get(key)
            if found is not None and self._is_good(found, seconds):
                return cast("T", found.value)
            generation, began = self.generation, time.monotonic()
            value = make()
            made = time.monotonic()
            with self._guard:
                self._answers[key] = _Answer(made, made - began, generation, value)
                self._answers.move_to_end(key)
                while len(self._answers) > MOST_ANSWERS:
                    old, _ = self._answers.popitem(last=False)
                    self._locks.pop(old, None)
            return value

    def forget(self) -> None:
        """Ask again from now on: something changed."""
        self.generation += 1

    def forget_all(self) -> None:
        """Ask everything again, also what is good for a time: who acts sees what he did."""
        self.generation += 1
        self._floor = self.generation

    def _is_good(self, answer: _Answer, seconds: float | None) -> bool:
        if answer.generation < self._floor:
            return False
        age = time.monotonic() - answer.made
        if seconds is not None:
            return age < seconds
        # Where something changes all the time, what is dear is not asked all the time: a page is
        # then so many seconds behind, and each minute's tick brings it up.
        if age < AT_MOST * answer.took:
            return True
        return age < self.fresh_seconds and answer.generation == self.generation
