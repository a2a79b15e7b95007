"""No attempt is missing from the ledger: each has a row from its pod on, and each row ends.

The row of an attempt is written when its pod is first seen, without a verdict. Whoever lives the
attempt ends it; whoever finds a pod that nobody lives ends it from the pod; and a row whose try is
over and whose pod is gone gets the verdict `unknown`, which any later word replaces.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import uuid
from typing import TYPE_CHECKING, Final

from stationmaster.airflow.life.findings import Verdict
from stationmaster.airflow.life.podfacts import ended
from stationmaster.airflow.life.recording import record_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
    from typing import Any

    from stationmaster.ledger.records import AttemptRecord
    from stationmaster.step.protocol import StepContext

    Record = Callable[[AttemptRecord], Awaitable[None]]
    TriesOf = Callable[[frozenset[str]], Awaitable[frozenset[str]]]

__all__ = ["LOST_SECONDS", "OpenRows", "close_lost"]

LOST_SECONDS: Final = 600.0
"""How old a row without an end must be: its launcher may be about to write it."""

LONG_LOST: Final = dt.timedelta(days=7)
"""After that a row is nobody's, also one whose try no Airflow of ours knows: it was deleted there,
or is another Airflow's, whose word replaces ours if it comes."""

MOST_REMEMBERED: Final = 10_000
PAUSE_SECONDS: Final = 15.0

log = logging.getLogger(__name__)


class OpenRows:
    """Write the row of each attempt when its pod is first seen, beside the step's life.

    No step waits for it, and an error of it is nobody's: the end is recorded in any case.

    Args:
        record: Stores an attempt.
        pause_seconds: Between two sentences of one attempt.
    """

    def __init__(self, record: Record, *, pause_seconds: float = PAUSE_SECONDS) -> None:
        self._record = record
        self._pause_seconds = pause_seconds
        self._opened: dict[str, None] = {}
        self._waits: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def notice(self, context: StepContext, pod: Mapping[str, Any]) -> None:
        """Open the row of a pod that is seen for the first time; returns at once."""
        uid = str(pod["metadata"]["uid"])
        if uid in self._opened or ended(pod) is not None:
            return
        self._opened[uid] = None
        if len(self._opened) > MOST_REMEMBERED:
            del self._opened[next(iter(self._opened))]
        self._begin(self._open(record_of(context, pod, None)))

    def waits(self, context: StepContext, pod: Mapping[str, Any], sentence: str) -> None:
        """Write what an attempt waits for into its row; returns at once.

        Of what changes within a quarter of a minute the newest is written: a scheduler may change
        its mind each second, of a thousand pods.
        """
        uid = str(pod["metadata"]["uid"])
        is_due = uid in self._waits
        self._waits[uid] = sentence
        if not is_due:
            self._begin(self._say(context, pod, uid))

    async def _say(self, context: StepContext, pod: Mapping[str, Any], uid: str) -> None:
        written = ""
        while self._waits[uid] != written:
            written = self._waits[uid]
            known = record_of(context, pod, None)
            await self._open(known.model_copy(update={"sentence": written}))
            await asyncio.sleep(self._pause_seconds)
        del self._waits[uid]

    def _begin(self, writing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(writing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Leave what is not written yet: the pods are there, and the next launcher sees them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _open(self, attempt: AttemptRecord) -> None:
        try:
            await self._record(attempt)
        except Exception as error:  # noqa: BLE001 (any ledger's own errors)
            log.warning("The row of attempt %s is not opened: %s", attempt.key, error)


async def close_lost(
    rows: Iterable[AttemptRecord],
    record: Record,
    *,
    with_pods: frozenset[str],
    alive: TriesOf,
    known: TriesOf,
) -> Sequence[AttemptRecord]:
    """End the rows that nobody else will end any more; return them as they were recorded.

    Args:
        rows: Without a verdict, older than LOST_SECONDS.
        record: Stores an attempt.
        with_pods: Ids of the tries that have pods: these are lived, or the reaper's.
        alive: Returns which of the given try ids are owned.
        known: Returns which are of this Airflow: another one's are left to it, for a week.
    """
    lost = [each for each in rows if each.try_id not in with_pods and _is_ours(each)]
    if not lost:
        return ()
    asked = frozenset(each.try_id for each in lost)
    old = {each.try_id for each in lost if dt.datetime.now(dt.UTC) - each.recorded_at > LONG_LOST}
    over = (asked - await alive(asked)) & (await known(asked) | old)
    ended_now = [_unknown(each) for each in lost if each.try_id in over]
    for each in ended_now:
        log.warning("%s", each.sentence)
        await record(each)
    return ended_now


def _is_ours(row: AttemptRecord) -> bool:
    try:
        uuid.UUID(row.try_id)
    except ValueError:
        return False  # not made by Airflow
    return row.kind.value == "pod"


def _unknown(row: AttemptRecord) -> AttemptRecord:
    return row.model_copy(
        update={
            "verdict": Verdict.UNKNOWN.value,
            "sentence": f"Nobody saw how attempt {row.attempt} of {row.pipeline}.{row.step} ended: "
            f"its try is over, and its pod {row.pod_name or '(without a name)'} was gone before "
            "anybody read its end.",
            "hint": "Look at the task's log and at what it published; running it again is safe.",
            "recorded_at": dt.datetime.now(dt.UTC),
        }
    )
