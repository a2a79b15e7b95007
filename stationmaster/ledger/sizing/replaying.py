"""Replay a history as if our sizes had been applied from the start; nothing is looked at early.

Only some runs can change what is decided: those at which margins are chosen anew, and those that
needed more than all before them. Python visits these alone; columns do the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import polars as pl

from stationmaster.ledger.sizing.columns import with_expectations
from stationmaster.ledger.sizing.deciding import (
    ENOUGH_ROOM,
    LEAST_BYTES,
    Case,
    Rule,
    choose_rule,
    floor_after,
    size_by,
)
from stationmaster.ledger.sizing.margins import (
    MARGINS,
    Evidence,
    Pool,
    cell_of,
    exceeded_margins,
    no_exceedances,
)
from stationmaster.ledger.sizing.observations import PRESET_RUNS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stationmaster.ledger.sizing.margins import Cell

__all__ = [
    "Replayed",
    "StepState",
    "Visit",
    "case_of_visit",
    "choosing_runs",
    "replay_sizes",
]

CHOOSE_AGAIN: Final = 1.2
"""Margins are chosen anew when a step has run this much more often than at the last choice."""


class Visit(NamedTuple):
    """Hold one run that is visited; names and units as in the columns."""

    row: int
    code: int
    run: int
    choose: bool
    needed: float | None
    declared: float
    largest: float
    largest_ratio: float | None
    largest_spread: float
    line: float | None
    line_ratio: float | None
    line_spread: float
    byte_seconds: float
    line_runs: int
    line_byte_seconds: float
    beside_byte_seconds: float


@dataclass
class StepState:
    """Hold what a replay remembers of one step between the runs that it visits."""

    rule: Rule | None = None
    floor: float = 0.0
    largest_exceeded: list[int] = field(default_factory=no_exceedances)
    line_exceeded: list[int] = field(default_factory=no_exceedances)
    largest_cell: Cell = (0, 0)
    line_cell: Cell = (0, 0)
    visited_run: int = PRESET_RUNS
    visited_line_runs: int = 0
    visited_byte_seconds: float = 0.0
    out_of_memory: int = 0
    next: Visit | None = None
    """The run to come, where the history has a row for it."""


class Replayed(NamedTuple):
    """Hold the outcome: the runs with a `size` each, the steps' states, and what all taught."""

    frame: pl.DataFrame
    states: dict[int, StepState]
    pool: Pool


def choosing_runs(runs: int) -> list[int]:
    """Return at which runs of a step margins are chosen, up to a number of runs."""
    chosen = [PRESET_RUNS]
    while chosen[-1] < runs:
        chosen.append(max(chosen[-1] + 1, int(chosen[-1] * CHOOSE_AGAIN)))
    return chosen


def replay_sizes(
    frame: pl.DataFrame, *, pool: Pool | None = None, node_bytes: float = float("inf")
) -> Replayed:
    """Return the size that each run would have had.

    Args:
        frame: `code`, `submitted_at`, `needed` (null: a run to come), `input_bytes`,
            `duration_seconds`, `declared` and `order` (of submission), sorted by code and order.
        pool: What is known beforehand of how steps behave; nothing by default.
        node_bytes: The largest node: no size exceeds it.
    """
    frame = _with_sums(with_expectations(frame)).with_row_index("row")
    states: dict[int, StepState] = {}
    pool = pool or Pool()
    rules = _rules(_visits(frame), states, pool)
    return Replayed(_sized(frame, rules, node_bytes), states, pool)


def _with_sums(frame: pl.DataFrame) -> pl.DataFrame:
    """Add what each way of expecting would have reserved up to each run, byte-seconds."""
    seconds, foretold = pl.col("duration_seconds"), pl.col("line").is_not_null()
    largest = (pl.col("largest") * seconds).fill_null(0.0)
    sums = {
        "byte_seconds": largest,
        "line_runs": foretold.cast(pl.Int64),
        "line_byte_seconds": (pl.col("line") * seconds).fill_null(0.0),
        "beside_byte_seconds": pl.when(foretold).then(largest).otherwise(0.0),
    }
    return frame.with_columns(
        (value.cum_sum() - value).over("code").alias(name) for name, value in sums.items()
    )


def _visits(frame: pl.DataFrame) -> Iterable[Visit]:
    """Return the runs that can change what is decided, in order of submission."""
    exceeded = (pl.max_horizontal("largest_ratio", "line_ratio") > MARGINS[0]).fill_null(
        value=False
    )
    longest = frame.select(pl.col("run").max()).item() or 0
    choose = pl.col("run").is_in(choosing_runs(longest)) | pl.col("needed").is_null()
    fields = [name for name in Visit._fields if name != "choose"]
    visited = (
        frame.lazy()
        .with_columns(choose.alias("choose"))
        .filter((pl.col("run") >= PRESET_RUNS) & (pl.col("choose") | exceeded))
        .sort("order")
        .select("choose", *fields)
        .select(Visit._fields)
        .collect()
    )
    return map(Visit._make, visited.iter_rows())


def _rules(
    visits: Iterable[Visit], states: dict[int, StepState], pool: Pool
) -> list[tuple[Any, ...]]:
    """Return (row, follow_line, largest_margin, line_margin, chance, floor) for each choice."""
    rules: list[tuple[Any, ...]] = []
    for visit in visits:
        state = states.setdefault(visit.code, StepState())
        _catch_up(state, visit, pool)
        if visit.choose or state.rule is None:
            state.rule = choose_rule(case_of_visit(state, visit), pool)
            rules.append((visit.row, *state.rule, state.floor))
        if visit.needed is None:
            state.next = visit
        elif _observe(state, visit, visit.needed, pool):
            # The next row is the step's next run, or the first of another: that is not sized yet.
            rules.append((visit.row + 1, *state.rule, state.floor))
    return rules


def _catch_up(state: StepState, visit: Visit, pool: Pool) -> None:
    """Tell the pool of the runs since the last visit, none of which exceeded anything."""
    runs, line_runs = visit.run - state.visited_run, visit.line_runs - state.visited_line_runs
    if runs:
        pool.largest.passed(state.largest_cell, runs)
        pool.sized_runs += runs
        pool.byte_seconds += visit.byte_seconds - state.visited_byte_seconds
    if line_runs:
        pool.line.passed(state.line_cell, line_runs)
    state.visited_run, state.visited_line_runs = visit.run, visit.line_runs
    state.visited_byte_seconds = visit.byte_seconds
    state.largest_cell = cell_of(visit.run, visit.largest_spread)
    state.line_cell = cell_of(visit.line_runs + PRESET_RUNS, visit.line_spread)


def case_of_visit(state: StepState, visit: Visit) -> Case:
    """Return what the past of a step says of each way to expect the peak of a visited run."""
    line_runs = max(visit.line_runs, 1)
    return Case(
        largest=Evidence(
            cell=state.largest_cell,
            exceeded=state.largest_exceeded,
            runs=visit.run - PRESET_RUNS,
            byte_seconds=visit.byte_seconds / max(visit.run - 1, 1),
        ),
        line=Evidence(
            cell=state.line_cell,
            exceeded=state.line_exceeded,
            runs=visit.line_runs,
            byte_seconds=visit.line_byte_seconds / line_runs,
        ),
        largest_beside_line=visit.beside_byte_seconds / line_runs,
    )


def _observe(state: StepState, visit: Visit, needed: float, pool: Pool) -> bool:
    """Remember what the run needed, after it was sized; tell whether that was too little."""
    if visit.largest_ratio is not None and visit.largest_ratio > MARGINS[0]:
        margins = exceeded_margins(visit.largest_ratio)
        _count(state.largest_exceeded, margins)
        pool.largest.exceeded(state.largest_cell, margins)
    if visit.line_ratio is not None and visit.line_ratio > MARGINS[0]:
        margins = exceeded_margins(visit.line_ratio)
        _count(state.line_exceeded, margins)
        pool.line.exceeded(state.line_cell, margins)
    if state.rule is None:
        return False
    size = size_by(state.rule, visit.largest, visit.line, visit.declared, state.floor)
    if needed <= size:
        return False
    state.floor = floor_after(size)
    state.out_of_memory += 1
    pool.out_of_memory += 1
    return True


def _count(exceeded: list[int], margins: int) -> None:
    for index in range(margins):
        exceeded[index] += 1


def _sized(frame: pl.DataFrame, rules: list[tuple[Any, ...]], node_bytes: float) -> pl.DataFrame:
    """Add each run's `size`: what `size_by` returns, in columns."""
    schema = {
        "row": pl.UInt32,
        "follow_line": pl.Boolean,
        "largest_margin": pl.Float64,
        "line_margin": pl.Float64,
        "chance": pl.Float64,
        "floor": pl.Float64,
    }
    # A choice at the run after one that was too small stands for both.
    chosen = pl.DataFrame(rules, schema=schema, orient="row").unique("row", keep="last")
    ruled = frame.join(chosen, on="row", how="left", maintain_order="left")
    ruled = ruled.with_columns(pl.col(list(schema)[1:]).forward_fill())
    by_line = pl.col("follow_line") & pl.col("line").is_not_null()
    expected = pl.when(by_line).then("line").otherwise("largest")
    margin = pl.when(by_line).then("line_margin").otherwise("largest_margin")
    declared = pl.col("declared")
    wanted = expected * margin
    bound = (
        pl.when(declared >= expected * ENOUGH_ROOM)
        .then(pl.min_horizontal(wanted, declared))
        .otherwise(wanted)
    )
    least = pl.min_horizontal(declared, pl.lit(float(LEAST_BYTES)))
    sized = pl.max_horizontal(bound, least, "floor")
    return ruled.with_columns(
        pl.min_horizontal(
            pl.when(pl.col("run") < PRESET_RUNS).then(declared).otherwise(sized),
            pl.lit(node_bytes),
        ).alias("size")
    )
