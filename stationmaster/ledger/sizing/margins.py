"""How much room above the expected peak is worth its money: what replays of history say."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from functools import cache
from math import inf, log
from typing import TYPE_CHECKING, Final, NamedTuple

from stationmaster.ledger.sizing.observations import PRESET_RUNS

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "MARGINS",
    "TARGET_OUT_OF_MEMORY",
    "Choice",
    "Classes",
    "Evidence",
    "Pool",
    "cell_of",
    "choose_margin",
    "exceeded_margins",
    "expected_exceedance",
    "exposure",
    "no_exceedances",
]

MARGINS: Final = (
    *(1.02, 1.03, 1.04, 1.05, 1.07, 1.10, 1.13, 1.16, 1.20),
    *(1.25, 1.30, 1.40, 1.50, 1.75, 2.0),
)
"""The candidates. Those above 1.30 are for steps so small that room costs less than a repeat."""

TARGET_OUT_OF_MEMORY: Final = 0.005
"""Share of first tries that may run out of memory, over all steps."""

RUNS: Final = (4, 6, 9, 15, 25)
"""Bounds of the classes of history length: 3, 4 to 5, 6 to 8, 9 to 14, 15 to 24, more."""

TYPICAL_RUNS: Final = (3, 4.5, 7, 11, 19, 40)
SPREADS: Final = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
"""Bounds of the classes of spread: the scale of the logarithms of the peaks, as in `history`."""

TYPICAL_SPREADS: Final = (0.0005, 0.002, 0.006, 0.02, 0.06, 0.18, 0.5)

OUT_OF_MEMORY_PRICE: Final = 8.0
"""What a repeat costs beyond its reserved memory, in mean GB·h of a run: time, and trust."""

AIM: Final = 0.6
"""Part of the target that the price is steered to: the rest is for what no history foretells."""

STEERING_RUNS: Final = 1_000
"""After so many sized runs, the observed rate counts as much as the aim."""

OWN_WEIGHT: Final = 2.0
"""Times a margin was exceeded that count as much as what is known of steps like it."""

POOL_WEIGHT: Final = 40.0
"""Runs of similar steps that count as much as the formula."""

TAIL_EXPONENT: Final = 2.0
TAIL_OF_SPREAD: Final = 1.0
LEAST_TAIL: Final = 0.004

NOTHING_EXCEEDED: Final = (0,) * len(MARGINS)

Cell = tuple[int, int]
"""(class of history length, class of spread)."""


class Evidence(NamedTuple):
    """Hold what one way of expecting a step's peak did in the step's own past.

    exceeded[i] of `runs` runs needed more than MARGINS[i] times what was expected of them before.
    """

    cell: Cell
    exceeded: Sequence[int]
    runs: int
    byte_seconds: float
    """What was expected, times how long it ran: mean of a run."""


class Choice(NamedTuple):
    """Hold a chosen margin, the chance that it is not enough, and what it costs a run."""

    margin: float
    chance: float
    cost: float


def no_exceedances() -> list[int]:
    """Return the counts of a history in which nothing was ever exceeded."""
    return [0] * len(MARGINS)


def exceeded_margins(ratio: float) -> int:
    """Return how many of the candidates, from the smallest on, a ratio needed/expected exceeds."""
    return bisect_left(MARGINS, ratio)


def cell_of(runs: int, spread: float) -> Cell:
    """Return the class of a history of that length and spread."""
    return bisect_right(RUNS, runs), bisect_right(SPREADS, spread)


@cache
def expected_exceedance(cell: Cell) -> tuple[float, ...]:
    """Return for each margin the chance that the next run needs more, where nothing else is known.

    Of n + 1 runs in no order the last is the largest with chance 1 / (n + 1). By how much follows
    a Lomax tail, ln(needed / largest) with scale `TAIL_OF_SPREAD` times the spread: what is left of
    an exponential tail when its scale itself is known from few runs only.
    """
    runs, spread = TYPICAL_RUNS[cell[0]], TYPICAL_SPREADS[cell[1]]
    scale = TAIL_OF_SPREAD * spread + LEAST_TAIL
    return tuple((1 + log(margin) / scale) ** -TAIL_EXPONENT / (runs + 1) for margin in MARGINS)


@cache
def exposure(runs: int) -> float:
    """Return how many runs of today the runs replayed so far stand for.

    A run that came when few were known was likelier to exceed them, by (n + 1) / (j + 1) where j
    were known then and n are now: that it did says as much less of the next one.
    """
    known, cap = runs + PRESET_RUNS, int(TYPICAL_RUNS[-1])
    now = min(known, cap)
    early = sum((now + 1) / (then + 1) for then in range(PRESET_RUNS, now))
    return early + max(known - cap, 0)


@dataclass
class Classes:
    """Hold how often runs of each class of steps exceeded which margin."""

    counts: dict[Cell, list[int]] = field(default_factory=dict)
    runs: dict[Cell, int] = field(default_factory=dict)

    def passed(self, cell: Cell, runs: int) -> None:
        """Count runs of one class, exceeding or not."""
        self.runs[cell] = self.runs.get(cell, 0) + runs

    def exceeded(self, cell: Cell, margins: int) -> None:
        """Count one run that exceeded the first `margins` candidates."""
        counts = self.counts.setdefault(cell, no_exceedances())
        for index in range(margins):
            counts[index] += 1


@dataclass
class Pool:
    """Hold what all steps taught together; all of it is past.

    Whoever replays or records changes it, in order of submission.
    """

    largest: Classes = field(default_factory=Classes)
    line: Classes = field(default_factory=Classes)
    sized_runs: int = 0
    out_of_memory: int = 0
    byte_seconds: float = 0.0
    """Sum over the sized runs of what was expected times how long it ran."""

    def price(self, own_byte_seconds: float) -> float:
        """Return what an out-of-memory costs in byte-seconds, beside the memory it had reserved.

        It rises while more first tries than aimed at run out of memory, and falls while fewer do.
        """
        mean = self.byte_seconds / self.sized_runs if self.sized_runs else own_byte_seconds
        mean = mean or 1.0  # where no run took any time, only the chance counts
        aim = TARGET_OUT_OF_MEMORY * AIM
        seen = self.out_of_memory + aim * STEERING_RUNS
        pressure = seen / (aim * (self.sized_runs + STEERING_RUNS))
        return OUT_OF_MEMORY_PRICE * min(max(pressure * pressure, 0.25), 8.0) * mean


def choose_margin(evidence: Evidence, like: Classes, price: float) -> Choice:
    """Return the margin that would cost least: reserved memory, and out-of-memory at its price.

    Args:
        evidence: What the step's own past says.
        like: What runs of steps like it did.
        price: Byte-seconds that an out-of-memory costs beside the memory it had reserved.
    """
    expected = expected_exceedance(evidence.cell)
    counts = like.counts.get(evidence.cell) or NOTHING_EXCEEDED
    # The formula, corrected by what runs of such steps did, corrected by what its own did.
    runs, own = exposure(evidence.runs), evidence.byte_seconds
    shared = like.runs.get(evidence.cell, 0) + POOL_WEIGHT
    best, best_chance, best_cost = MARGINS[-1], 0.0, inf
    for margin, exceeded, seen, formula in zip(
        MARGINS, evidence.exceeded, counts, expected, strict=True
    ):
        room = margin * own
        if room > best_cost:
            break  # every larger one costs more, even if it were never exceeded
        usual = (seen + POOL_WEIGHT * formula) / shared
        chance = (exceeded + OWN_WEIGHT) / (runs + OWN_WEIGHT / usual)
        cost = room * (1 + chance) + chance * price
        if cost < best_cost:
            best, best_chance, best_cost = margin, chance, cost
    return Choice(best, best_chance, best_cost)
