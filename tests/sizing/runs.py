"""Runs of steps for tests: by hand, and drawn by hypothesis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
from hypothesis import strategies as st

from stationmaster.ledger.sizing.advising import trace_of
from stationmaster.ledger.sizing.observations import DAY_SECONDS, MIB, Observation
from stationmaster.ledger.sizing.traces import as_history

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["GIB", "drawn_runs", "drawn_traces", "frame_of", "history_of", "runs_of", "steady"]

GIB = 2**30


def runs_of(
    peaks: Sequence[float], task: str = "step", *, declared: int = 4 * GIB
) -> list[Observation]:
    """Return one run a day for each peak in MiB, of ten minutes."""
    return [
        Observation(task, number * DAY_SECONDS, int(peak * MIB), declared, 600.0)
        for number, peak in enumerate(peaks)
    ]


def steady(runs: int, peak: float = 1000.0) -> list[Observation]:
    """Return runs that differ by less than 1 %."""
    return runs_of([peak * (1 + 0.005 * (number % 3 - 1)) for number in range(runs)])


@st.composite
def drawn_runs(
    draw: st.DrawFn, task: str = "step", *, least: int = 1, most: int = 40
) -> list[Observation]:
    """Draw the runs of a step: any peaks, inputs known or not, bursts and pauses of weeks."""
    count = draw(st.integers(least, most))
    scale = draw(st.sampled_from([3, 300, 30_000]))
    moment, runs = draw(st.floats(0, 1000)), []
    for _ in range(count):
        moment += draw(st.sampled_from([0.0, 60.0, 3_600.0, DAY_SECONDS, 8 * DAY_SECONDS]))
        runs.append(
            Observation(
                task=task,
                submitted_at=moment,
                peak_bytes=draw(st.integers(scale * MIB // 4, scale * MIB)),
                requested_bytes=8 * scale * MIB,
                duration_seconds=draw(st.sampled_from([0.0, 1.0, 60.0, 7_200.0])),
                input_bytes=draw(st.none() | st.integers(0, 10**11)),
            )
        )
    return runs


@st.composite
def drawn_traces(draw: st.DrawFn) -> list[Observation]:
    """Draw a history of up to four steps, in order of submission."""
    steps = [draw(drawn_runs(f"step_{number}")) for number in range(draw(st.integers(1, 4)))]
    return sorted((run for runs in steps for run in runs), key=lambda run: run.submitted_at)


def frame_of(runs: Sequence[Observation]) -> pl.DataFrame:
    """Return runs in the columns of a trace, in the order given."""
    return trace_of(runs)


def history_of(runs: Sequence[Observation]) -> pl.DataFrame:
    """Return runs as a replay takes them."""
    return as_history(trace_of(runs)).with_columns(pl.col("order").cast(pl.UInt32))
