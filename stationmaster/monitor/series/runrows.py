"""The ledger's rows as runs: when each step of a run began and ended."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from stationmaster.monitor.series.deadlines import DeadlineChance, Span, chance_to_miss
from stationmaster.monitor.series.ledgerrows import ENDED_WELL, StepRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["RunSpans", "run_chance", "runs_of"]


MOST_BACKOFF: Final = 2.0
"""By how much Airflow's wait before a try grows each time, at most."""


class RunSpans(NamedTuple):
    """Hold one run: its steps' spans in seconds since its own first moment."""

    run_id: str
    begun: dt.datetime
    steps: dict[str, Span]

    @property
    def is_over(self) -> bool:
        """Return whether all of its steps that began are over."""
        return all(span.end is not None for span in self.steps.values())


def runs_of(rows: Iterable[StepRow]) -> list[RunSpans]:
    """Return the runs of one pipeline, oldest first.

    A step's span is from its first shard's first attempt to the end of its last one: retries take
    time too. A step with an attempt that goes on, or whose last attempt of a shard did not
    succeed, has no end.
    """
    by_run: dict[str, dict[str, list[StepRow]]] = {}
    for row in rows:
        by_run.setdefault(row.run_id, {}).setdefault(row.step, []).append(row)
    found = []
    for run_id, steps in by_run.items():
        begun = min(_began(row) for each in steps.values() for row in each)
        spans = {step: _span(each, begun) for step, each in steps.items()}
        found.append(RunSpans(run_id, begun, spans))
    return sorted(found, key=lambda run: run.begun)


def run_chance(
    runs: Sequence[RunSpans],
    run_id: str,
    *,
    now: dt.datetime,
    deadline: dt.datetime,
    after: Mapping[str, Iterable[str]] | None = None,
) -> tuple[DeadlineChance, dt.datetime | None]:
    """Return how likely a run misses its deadline, and the middle of when it ends.

    Args:
        runs: The pipeline's.
        run_id: The one that goes; it need not have begun.
        now: The moment.
        deadline: When it should be done.
        after: Which steps each step comes after; None: what past runs show.
    """
    mine = next((run for run in runs if run.run_id == run_id), None)
    begun = now if mine is None else mine.begun
    whole = max((len(run.steps) for run in runs), default=0)
    past = [
        run.steps
        for run in runs
        if run.run_id != run_id and run.is_over and run.begun < begun and 2 * len(run.steps) > whole
    ]
    told = chance_to_miss(
        past,
        {} if mine is None else mine.steps,
        now=(now - begun).total_seconds(),
        deadline=(deadline - begun).total_seconds(),
        after=after,
    )
    finish = None if told.finish is None else begun + dt.timedelta(seconds=told.finish)
    return told, finish


def _began(row: StepRow) -> dt.datetime:
    return row.started_at or row.queued_at or row.recorded_at


def _try_begins(rows: list[StepRow]) -> dt.datetime:
    """Return when the try of a step began that goes, or when the next one will.

    What was tried in vain says nothing of how long it still takes. Airflow waits longer after each
    try (exponential backoff), or always as long: the next wait is judged by the two before.
    """
    begins = []
    for shard in {row.shard for row in rows}:
        mine = sorted((row for row in rows if row.shard == shard), key=_began)
        if mine[-1].verdict is None:
            begins.append(_began(mine[-1]))
        elif mine[-1].verdict != ENDED_WELL:
            waits = [
                max(0.0, (_began(after) - _ended(before)).total_seconds())
                for before, after in pairwise(mine)
            ]
            begins.append(_ended(mine[-1]) + dt.timedelta(seconds=_next_wait(waits)))
    return min(begins)


def _next_wait(waits: list[float]) -> float:
    """Return how long the next wait is in seconds, by those before; 0 where there was none."""
    if len(waits) < 2 or not waits[-2]:  # noqa: PLR2004 (two, to see whether they grow)
        return waits[-1] if waits else 0.0
    return waits[-1] * min(MOST_BACKOFF, max(1.0, waits[-1] / waits[-2]))


def _ended(row: StepRow) -> dt.datetime:
    return row.finished_at or row.recorded_at


def _span(rows: list[StepRow], begun: dt.datetime) -> Span:
    start = min((_began(row) - begun).total_seconds() for row in rows)
    last = {row.shard: row for row in rows}.values()
    if any(row.verdict != ENDED_WELL for row in last):
        return Span((_try_begins(rows) - begun).total_seconds(), None)
    ends = [((row.finished_at or row.recorded_at) - begun).total_seconds() for row in last]
    return Span(start, max(start, *ends))
