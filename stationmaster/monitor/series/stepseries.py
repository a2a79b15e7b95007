"""The series that the ledger holds of each step: one value a business date."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from stationmaster.monitor.series.ledgerrows import ENDED_WELL, OUT_OF_MEMORY, StepRow
from stationmaster.monitor.series.points import DAILY, Point, Series

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["Measure", "StepName", "memory_at_once", "memory_given", "step_series"]


class Measure(StrEnum):
    """Name what of a step is followed."""

    PEAK_MEMORY = "peak memory"
    DURATION = "duration"
    ROWS = "rows written"
    QUARANTINE = "share quarantined"


class StepName(NamedTuple):
    """Name a step of a pipeline."""

    pipeline: str
    step: str

    def __str__(self) -> str:
        return f"{self.pipeline}/{self.step}"


def step_series(rows: Iterable[StepRow], measure: Measure) -> dict[StepName, Series]:
    """Return a measure of each step by business date, of the last run of each date.

    Peak memory: bytes, the highest of its shards; where an attempt ran out of memory, at least
    what it had. Duration: seconds, from the first shard's start to the last one's end. Rows: of
    all shards. Share quarantined: of all rows, from 0 to 1. Dates without what is measured have
    no value.
    """
    runs: dict[tuple[StepName, dt.date], dict[str, list[StepRow]]] = {}
    for row in rows:
        key = (StepName(row.pipeline, row.step), row.business_date)
        runs.setdefault(key, {}).setdefault(row.run_id, []).append(row)
    points: dict[StepName, list[Point]] = defaultdict(list)
    for (name, date), by_run in runs.items():
        value = VALUES[measure](list(by_run.values())[-1])
        if value is not None:
            points[name].append(Point(dt.datetime.combine(date, dt.time()), value))
    return {name: Series.of(f"{name}: {measure}", found, DAILY) for name, found in points.items()}


def memory_given(rows: Iterable[StepRow]) -> dict[StepName, int]:
    """Return what memory each step's last attempt asked for, bytes."""
    given = {}
    for row in rows:
        if row.asked_memory_bytes:
            given[StepName(row.pipeline, row.step)] = row.asked_memory_bytes
    return given


def memory_at_once(rows: Iterable[StepRow]) -> dict[str, Series]:
    """Return the most memory that attempts asked for at the same time, bytes a day, by node pool.

    An attempt has its memory from its start to its end; one that is not over has none yet.
    """
    changes: dict[str, list[tuple[dt.datetime, int]]] = defaultdict(list)
    for row in rows:
        if row.started_at and row.finished_at and row.asked_memory_bytes:
            changes[row.node_pool].append((row.started_at, row.asked_memory_bytes))
            changes[row.node_pool].append((row.finished_at, -row.asked_memory_bytes))
    return {
        pool: Series.of(f"{pool or 'no pool'}: memory at once", _highest(found), DAILY)
        for pool, found in changes.items()
    }


def _highest(changes: Sequence[tuple[dt.datetime, int]]) -> list[Point]:
    highest: dict[dt.date, int] = {}
    held = 0
    for at, change in sorted(changes):
        held += change
        highest[at.date()] = max(highest.get(at.date(), 0), held)
    return [
        Point(dt.datetime.combine(day, dt.time()), float(value)) for day, value in highest.items()
    ]


def _done(rows: Iterable[StepRow]) -> list[StepRow]:
    """Return the attempts that went well, the last of each shard."""
    return list({row.shard: row for row in rows if row.verdict == ENDED_WELL}.values())


def _peak(rows: list[StepRow]) -> float | None:
    peaks = [row.peak_memory_bytes or 0 for row in _done(rows)]
    peaks += [row.asked_memory_bytes or 0 for row in rows if row.verdict == OUT_OF_MEMORY]
    return float(max(peaks)) if any(peaks) else None


def _duration(rows: list[StepRow]) -> float | None:
    done = _done(rows)
    started = [row.started_at for row in done if row.started_at and row.finished_at]
    ended = [row.finished_at for row in done if row.started_at and row.finished_at]
    if started and ended:
        return max(0.0, (max(ended) - min(started)).total_seconds())
    walls = [row.wall_seconds for row in done if row.wall_seconds is not None]
    return max(walls) if walls else None


def _rows(rows: list[StepRow]) -> float | None:
    counts = [row.rows_written for row in _done(rows) if row.rows_written is not None]
    return float(sum(counts)) if counts else None


def _quarantine(rows: list[StepRow]) -> float | None:
    done = _done(rows)
    aside = sum(row.quarantined_rows for row in done)
    kept = sum(row.rows_written or 0 for row in done)
    return aside / (aside + kept) if aside + kept else None


VALUES: Mapping[Measure, Callable[[list[StepRow]], float | None]] = {
    Measure.PEAK_MEMORY: _peak,
    Measure.DURATION: _duration,
    Measure.ROWS: _rows,
    Measure.QUARANTINE: _quarantine,
}
