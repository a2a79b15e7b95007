"""The launcher's way to the ledger: many attempts, few transactions, no record lost."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

from stationmaster.ledger.doubts import in_words
from stationmaster.ledger.oneatatime import OneAtATime
from stationmaster.ledger.refusals import is_refusal
from stationmaster.ledger.spool import Spool
from stationmaster.ledger.store import disputed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType

    from stationmaster.ledger.records import AttemptRecord
    from stationmaster.ledger.store import Ledger

__all__ = ["Recorder", "RecorderCounts"]

LARGEST_BATCH: Final = 200
SHORTEST_INTERVAL: Final = 0.05
"""Seconds between two transactions: what comes meanwhile goes into the next, 20 a second."""
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 10.0
REPORT_SECONDS: Final = 60.0

_log = logging.getLogger(__name__)


@dataclass
class RecorderCounts:
    """Count what a recorder did since its start."""

    records: int = 0
    transactions: int = 0
    spooled: int = 0
    refused: int = 0
    disputed: int = 0
    doubted: int = 0
    """Attempts that claim what cannot be true."""


@dataclass
class _Waiting:
    record: AttemptRecord
    since: float
    stored: asyncio.Future[None] = field(default_factory=asyncio.Future)

    def done(self) -> None:
        if not self.stored.done():  # its caller may have been cancelled: the record was kept
            self.stored.set_result(None)


class Recorder:
    """Record attempts in batches; an async context manager, for one event loop.

    While the database does not answer, records wait and so do their callers, whose pods keep the
    evidence. Who waits too long, or is one too many, goes to a local file, which is written to
    the database when it answers again, also by the next recorder after a restart.

    Args:
        ledger: Where to; its connections belong to the caller.
        spool: The local file.
        say: Takes sentences for the log: the database is away, a verdict is disputed.
        patience_seconds: How long a record waits for the database before it goes to the file.
        most_waiting: How many may wait.
        answer_seconds: How long one transaction may take before the database counts as away.
    """

    def __init__(  # noqa: PLR0913 (one keyword for each limit)
        self,
        ledger: Ledger,
        spool: Path,
        *,
        say: Callable[[str], None] = _log.warning,
        patience_seconds: float = 60.0,
        most_waiting: int = 1000,
        answer_seconds: float = 10.0,
    ) -> None:
        self.counts = RecorderCounts()
        self._ledger = ledger
        self._spool = Spool(spool)
        self._say = say
        self._patience_seconds = patience_seconds
        self._most_waiting = most_waiting
        self._calls = OneAtATime(answer_seconds)
        self._waiting: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._away_since: float | None = None
        self._reported = 0.0
        self._pause = FIRST_PAUSE
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._serve(), name="stationmaster-recorder")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Write what waits to the database, else to the file, within twice `answer_seconds`."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None
        if self._away_since is None:
            while self._waiting and await self._write_batch():
                pass
        await self._spill(list(self._waiting))

    async def record(self, record: AttemptRecord) -> None:
        """Return when the record is stored: in the ledger, or in the local file.

        A caller that is cancelled leaves its record in the queue.

        Raises:
            RuntimeError: The recorder has not been entered, or has been left.
        """
        if self._task is None:
            message = "a Recorder records inside its `async with` only"
            raise RuntimeError(message)
        mine = _Waiting(record, self._now())
        self._waiting.append(mine)
        self._wake.set()
        await mine.stored

    async def _serve(self) -> None:
        while True:
            if not self._waiting and self._spool.empty:
                self._wake.clear()
                await self._wake.wait()
            started = self._now()
            if await self._write_everything():
                await asyncio.sleep(max(0.0, started + SHORTEST_INTERVAL - self._now()))
                continue
            await self._spill(self._too_many())
            await asyncio.sleep(self._pause)
            self._pause = min(self._pause * 2, LONGEST_PAUSE)

    async def _write_everything(self) -> bool:
        try:
            return await self._write_batch() and await self._replay()
        except OSError as error:
            self._say(f"The file {self._spool.path} cannot be used: {error}")
            return False

    async def _write_batch(self) -> bool:
        """Write what waits first; tell whether the database took it."""
        batch = [self._waiting[n] for n in range(min(len(self._waiting), LARGEST_BATCH))]
        if not await self._store([each.record for each in batch]):
            return False
        for each in batch:
            self._waiting.popleft()
            each.done()
        return True

    async def _replay(self) -> bool:
        """Write what the file holds; tell whether the database took it all."""
        if self._spool.empty:
            return True
        number = 0
        for batch in self._spool.batches(LARGEST_BATCH):
            if not await self._store(batch):
                return False
            number += len(batch)
        self._spool.clear()
        self._say(f"The ledger has {number} attempts from {self._spool.path} now.")
        return True

    async def _store(self, records: Sequence[AttemptRecord]) -> bool:
        """Write records; put aside what no database takes; tell whether the database answered."""
        if not records:
            return True
        try:
            standing = await self._calls.call(lambda: self._ledger.record_all(records))
        except Exception as error:  # noqa: BLE001 (whatever it is, the records are kept)
            if not is_refusal(error):
                self._is_away(error)
                return False
            if len(records) > 1:
                for each in records:
                    if not await self._store([each]):
                        return False
                return True
            self._refuse(records[0], error)
            return True
        self._answers()
        self.counts.transactions += 1
        self.counts.records += len(records)
        for record in records:
            if record.doubted and record.verdict is not None:
                self.counts.doubted += 1
                self._say(f"{_who(record)}: {in_words(record.doubted)}")
        for record, stands in disputed(records, standing):
            self.counts.disputed += 1
            self._say(_dispute(record, stands))
        return True

    def _refuse(self, record: AttemptRecord, error: Exception) -> None:
        self.counts.refused += 1
        where = f"It is in {self._spool.refused_path} with the reason."
        try:
            self._spool.refuse(record, str(error))
        except OSError:
            where = f"No file takes it either: {record!r}"
        self._say(
            f"The ledger does not take attempt {record.key} of {record.pipeline}.{record.step}: "
            f"{type(error).__name__}. {where}"
        )

    def _too_many(self) -> list[_Waiting]:
        """Return who has waited too long, and whoever is above the limit."""
        patient = self._now() - self._patience_seconds
        late = sum(each.since <= patient for each in self._waiting)
        number = max(late, len(self._waiting) - self._most_waiting)
        return [self._waiting[n] for n in range(number)]

    async def _spill(self, waiting: Sequence[_Waiting]) -> None:
        """Move the oldest of the queue to the file; where that fails they go on waiting."""
        if not waiting:
            return
        records = [each.record for each in waiting]
        try:
            await asyncio.to_thread(self._spool.append, records)
        except OSError as error:
            self._say(f"{len(records)} attempts wait for the ledger, the file fails too: {error}")
            return
        self.counts.spooled += len(records)
        for each in waiting:
            self._waiting.popleft()
            each.done()

    def _is_away(self, error: Exception) -> None:
        now = self._now()
        if self._away_since is None:
            self._away_since, self._reported = now, now - REPORT_SECONDS
        if now - self._reported >= REPORT_SECONDS:
            self._reported = now
            self._say(
                f"The ledger at {self._ledger.name} has not answered for "
                f"{now - self._away_since:.0f} s: {error}. {len(self._waiting)} attempts wait, "
                f"{self.counts.spooled} went to {self._spool.path}; none is lost."
            )

    def _answers(self) -> None:
        self._pause = FIRST_PAUSE
        if self._away_since is not None:
            self._say(f"The ledger answers again after {self._now() - self._away_since:.0f} s.")
            self._away_since = None

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def _who(record: AttemptRecord) -> str:
    return (
        f"Attempt {record.attempt} of {record.pipeline}.{record.step} (shard {record.shard}, try "
        f"{record.try_id})"
    )


def _dispute(record: AttemptRecord, stands: str) -> str:
    return (
        f"{_who(record)} was recorded as {stands} and is now told to be {record.verdict}: "
        f"{stands} stands."
    )
