"""Attempts as a table that a person can read."""

from __future__ import annotations

from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from stationmaster.ledger.doubts import in_words
from stationmaster.ledger.phases import PhaseName, seconds_of
from stationmaster.ledger.quantities import size_text

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    from stationmaster.ledger.records import AttemptRecord

__all__ = ["table_lines"]

HEADER: Final = (
    *("step", "verdict", "ended (UTC)", "waited", "ran", "memory", "cpu", "rows", "where"),
)
RIGHT: Final = frozenset({"waited", "ran", "cpu", "rows"})
BEFORE_THE_RUN: Final = (PhaseName.QUEUE, PhaseName.SCHEDULE, PhaseName.PULL, PhaseName.START)
UNKNOWN: Final = "-"
TEXT_WIDTH: Final = 96


def table_lines(attempts: Iterable[AttemptRecord]) -> list[str]:
    """Return the attempts under a headline for each pipeline and business date, oldest first.

    What went wrong, and what to do about it, stands below the attempt that it happened to.
    """
    ordered = sorted(attempts, key=lambda each: (*_group(each), _moment(each), *each.key))
    rows = [_cells(each) for each in ordered]
    widths = [max(map(len, column)) for column in zip(HEADER, *rows, strict=True)]
    lines: list[str] = []
    for (pipeline, day), group in groupby(
        zip(ordered, rows, strict=True), lambda it: _group(it[0])
    ):
        lines += ["", f"{pipeline} for {day}", _line(HEADER, widths)]
        for attempt, cells in group:
            lines += [_line(cells, widths), *_words(attempt)]
    return lines[1:]


def _group(attempt: AttemptRecord) -> tuple[str, dt.date]:
    return attempt.pipeline, attempt.business_date


def _moment(attempt: AttemptRecord) -> dt.datetime:
    return attempt.started_at or attempt.created_at or attempt.recorded_at


def _cells(attempt: AttemptRecord) -> tuple[str, ...]:
    spans = seconds_of(attempt)
    waited = [spans[name] for name in BEFORE_THE_RUN if name in spans]
    return (
        _step(attempt),
        _verdict(attempt),
        UNKNOWN if attempt.finished_at is None else f"{attempt.finished_at:%Y-%m-%d %H:%M:%S}",
        _duration(sum(waited) if waited else None),
        _duration(spans.get(PhaseName.RUN)),
        _memory(attempt),
        UNKNOWN if attempt.cpu_seconds is None else f"{attempt.cpu_seconds:.1f} s",
        UNKNOWN if attempt.rows_written is None else f"{attempt.rows_written:,}",
        attempt.node or UNKNOWN,
    )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        cell.rjust(width) if name in RIGHT else cell.ljust(width)
        for name, cell, width in zip(HEADER, cells, widths, strict=True)
    )
    return f"  {'  '.join(padded)}".rstrip()


def _words(attempt: AttemptRecord) -> list[str]:
    doubts = in_words(attempt.doubted) if attempt.doubted else ""
    if attempt.verdict == "succeeded":
        return [f"      {line}" for line in wrap(doubts, TEXT_WIDTH)]
    words = f"{attempt.sentence} {doubts}".strip()
    said = wrap(words, TEXT_WIDTH, break_long_words=False)
    todo = wrap(attempt.hint, TEXT_WIDTH - 6, break_long_words=False)
    first = [f"next: {line}" for line in todo[:1]]
    return [f"      {line}" for line in [*said, *first, *(f"      {each}" for each in todo[1:])]]


def _step(attempt: AttemptRecord) -> str:
    """Return the step's name, with its part, its try and its attempt where there are several."""
    words = [attempt.step]
    if attempt.map_index >= 0:
        words[0] += f"[{attempt.map_index}]"
    if attempt.shards > 1:
        words.append(f"shard {attempt.shard + 1} of {attempt.shards}")
    if attempt.try_number > 1:
        words.append(f"try {attempt.try_number}")
    if attempt.attempt > 1:
        words.append(f"attempt {attempt.attempt}")
    return ", ".join(words)


def _verdict(attempt: AttemptRecord) -> str:
    if attempt.verdict is not None:
        return attempt.verdict.replace("_", " ")
    return "waiting" if attempt.started_at is None else "running"


def _memory(attempt: AttemptRecord) -> str:
    used, asked = attempt.peak_memory_bytes, attempt.asked_memory_bytes
    text = UNKNOWN if not used else size_text(used)  # a step that did not look says 0
    return text if asked is None else f"{text} of {size_text(asked)}"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return UNKNOWN
    if seconds < 60:  # noqa: PLR2004 (a minute)
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
