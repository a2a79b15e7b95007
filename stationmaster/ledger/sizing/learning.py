"""What runs teach, in order of submission: each step its own past, and all of them the pool.

Only some runs can change what is decided: those at which margins are chosen anew, and those that
needed more than was expected of them. `replaying` finds these in columns, for a whole fleet;
`pool_of` finds them in plain Python, for who has no columns.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from math import inf
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from stationmaster.ledger.sizing.deciding import Case, Rule, choose_rule, floor_after, size_by
from stationmaster.ledger.sizing.history import expectations
from stationmaster.ledger.sizing.margins import (
    MARGINS,
    Evidence,
    Pool,
    cell_of,
    exceeded_margins,
    no_exceedances,
)
from stationmaster.ledger.sizing.observations import PRESET_RUNS, needed_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from stationmaster.ledger.sizing.history import Expected
    from stationmaster.ledger.sizing.margins import Cell
    from stationmaster.ledger.sizing.observations import Observation

__all__ = ["StepState", "Visit", "case_of_visit", "choosing_runs", "pool_of", "rules_of"]

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


def pool_of(histories: Iterable[Sequence[Observation]]) -> Pool:
    """Return what the runs of several steps teach together.

    Args:
        histories: Of each step its runs in order of submission; `requested_bytes` is what it
            declares.
    """
    visits = chain.from_iterable(_visits(code, runs) for code, runs in enumerate(histories))
    pool = Pool()
    ordered = sorted(visits, key=lambda each: (each[0], each[1].code, each[1].run))
    rules_of((visit for _, visit in ordered), {}, pool)
    return pool


def choosing_runs(runs: int) -> list[int]:
    """Return at which runs of a step margins are chosen, up to a number of runs."""
    chosen = [PRESET_RUNS]
    while chosen[-1] < runs:
        chosen.append(max(chosen[-1] + 1, int(chosen[-1] * CHOOSE_AGAIN)))
    return chosen


def rules_of(
    visits: Iterable[Visit], states: dict[int, StepState], pool: Pool
) -> list[tuple[Any, ...]]:
    """Return (row, follow_line, largest_margin, line_margin, chance, floor) for each choice.

    Args:
        visits: In order of submission.
        states: Of the steps by code; filled.
        pool: What is known beforehand; it learns.
    """
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


def _visits(code: int, runs: Sequence[Observation]) -> Iterator[tuple[float, Visit]]:
    """Yield the runs of a step that can change what is decided, each with when it came."""
    choosing = set(choosing_runs(len(runs)))
    byte_seconds = line_byte_seconds = beside = 0.0
    line_runs = 0
    for number, known in enumerate(expectations(runs)):
        sums = (byte_seconds, line_runs, line_byte_seconds, beside)
        if number == len(runs):
            if number >= PRESET_RUNS:  # the run to come: what came before it has passed
                yield inf, _visit(code, number, None, known, sums, choose=True)
            return
        run, chosen = runs[number], number in choosing
        if number >= PRESET_RUNS and (chosen or _is_exceeded(known)):
            yield run.submitted_at, _visit(code, number, run, known, sums, choose=chosen)
        largest = (known.largest or 0.0) * run.duration_seconds
        byte_seconds += largest
        if known.line is not None:
            line_runs += 1
            line_byte_seconds += known.line * run.duration_seconds
            beside += largest


def _visit(  # noqa: PLR0913 (what a visit is made of)
    code: int,
    number: int,
    run: Observation | None,
    known: Expected,
    sums: tuple[float, int, float, float],
    *,
    choose: bool,
) -> Visit:
    return Visit(
        0,
        code,
        number,
        choose,
        None if run is None else float(needed_bytes(run)),
        0.0 if run is None else float(run.requested_bytes),
        known.largest or 0.0,
        known.largest_ratio,
        known.largest_spread,
        known.line,
        known.line_ratio,
        known.line_spread,
        *sums,
    )


def _is_exceeded(known: Expected) -> bool:
    return max(known.largest_ratio or 0.0, known.line_ratio or 0.0) > MARGINS[0]


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
