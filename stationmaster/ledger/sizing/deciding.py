"""From what is expected of a run to the size it gets; one decision for replay and for real."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from stationmaster.ledger.sizing.margins import MARGINS, choose_margin
from stationmaster.ledger.sizing.observations import MIB

if TYPE_CHECKING:
    from stationmaster.ledger.sizing.margins import Evidence, Pool

__all__ = [
    "ENOUGH_ROOM",
    "LEAST_BYTES",
    "LINE_GAIN",
    "LINE_REPLAYED",
    "Case",
    "Rule",
    "choose_rule",
    "floor_after",
    "size_by",
]

LEAST_BYTES: Final = 64 * MIB
"""No step gets less, unless it declares less: a peak below it is mostly the interpreter's."""

LINE_REPLAYED: Final = 4
"""Runs that the line must have been replayed on before it is followed."""

LINE_GAIN: Final = 0.95
"""The line is followed where its replay cost less than this part of what the largest peak did."""

ENOUGH_ROOM: Final = 1.05
"""A declared size this far above the largest peak is never exceeded by the margin alone."""


class Case(NamedTuple):
    """Hold what is known of a step before its next run."""

    largest: Evidence
    line: Evidence
    largest_beside_line: float
    """Mean byte-seconds of the largest peak over the runs that the line foretold, too."""


class Rule(NamedTuple):
    """Hold how the next runs of a step are sized."""

    follow_line: bool
    largest_margin: float
    line_margin: float
    chance: float
    """That the first try runs out of memory, by replay."""


def choose_rule(case: Case, pool: Pool) -> Rule:
    """Return the margins that cost least by replay, and whether input size explains the peak."""
    price = pool.price(case.largest.byte_seconds)
    largest = choose_margin(case.largest, pool.largest, price)
    if case.line.runs < LINE_REPLAYED:
        return Rule(
            follow_line=False,
            largest_margin=largest.margin,
            line_margin=MARGINS[-1],
            chance=largest.chance,
        )
    line = choose_margin(case.line, pool.line, price)
    room = largest.margin * case.largest_beside_line
    beside = room * (1 + largest.chance) + largest.chance * price
    follow = line.cost < LINE_GAIN * beside
    return Rule(
        follow_line=follow,
        largest_margin=largest.margin,
        line_margin=line.margin,
        chance=line.chance if follow else largest.chance,
    )


def floor_after(too_small: float) -> float:
    """Return the least size after one that proved too small, bytes."""
    return too_small * MARGINS[0]


def size_by(rule: Rule, largest: float, line: float | None, declared: float, floor: float) -> float:
    """Return the memory of the next run, bytes, before the largest node caps it.

    Args:
        rule: How the step is sized.
        largest: The largest recent peak, bytes.
        line: What the run's input size foretells, where it does, bytes.
        declared: What the step's author asked for, bytes.
        floor: The least after its last out-of-memory, bytes; 0: none.
    """
    if rule.follow_line and line is not None:
        expected, size = line, line * rule.line_margin
    else:
        expected, size = largest, largest * rule.largest_margin
    if declared >= expected * ENOUGH_ROOM:
        size = min(size, declared)
    return max(size, min(LEAST_BYTES, declared), floor)
