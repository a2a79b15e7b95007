"""What size a step should have, why, and how sure that is; plain functions over plain rows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import TYPE_CHECKING, Final, NamedTuple

from stationmaster.ledger.quantities import size_text
from stationmaster.ledger.sizing.deciding import (
    LEAST_BYTES,
    Case,
    Rule,
    choose_rule,
    floor_after,
    size_by,
)
from stationmaster.ledger.sizing.history import expectations
from stationmaster.ledger.sizing.margins import (
    MARGINS,
    Evidence,
    Pool,
    cell_of,
    exceeded_margins,
    no_exceedances,
)
from stationmaster.ledger.sizing.observations import (
    PRESET_RUNS,
    RUNS_BEFORE_SIZING,
    needed_bytes,
)
from stationmaster.ledger.sizing.quantities import percent, whole_mebibytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from stationmaster.ledger.sizing.history import Expected
    from stationmaster.ledger.sizing.observations import Observation

__all__ = [
    "Confidence",
    "Known",
    "Limits",
    "Recommendation",
    "case_of",
    "conclude",
    "keep_declared",
    "recommend",
]

FEW_RUNS: Final = 10
MANY_RUNS: Final = 20
DOUBTFUL_CHANCE: Final = 0.02


class Confidence(StrEnum):
    """Name how much stands behind a recommendation."""

    NONE = "none"
    """Too few runs: the declared size stays."""
    LOW = "low"
    """Fewer than 10 runs, or one in 50 first tries would still run out of memory."""
    MEDIUM = "medium"
    """Fewer than 20 runs."""
    HIGH = "high"


@dataclass(frozen=True)
class Limits:
    """Hold what bounds every size.

    Args:
        node_bytes: What the largest node has for one pod.
        node_millicores: The same for CPU.
        least_runs: Runs of a step before its declared size is touched.
    """

    node_bytes: float = inf
    node_millicores: int = 64_000
    least_runs: int = RUNS_BEFORE_SIZING


class Known(NamedTuple):
    """Hold what is known of a step when its next size is concluded; sizes in bytes."""

    runs: int
    declared: float
    largest: float
    line: float | None
    input_bytes: float | None
    too_small: float
    """What its last out-of-memory proved too small; 0: it had none."""


@dataclass(frozen=True)
class Recommendation:
    """Hold the size that a step's next run should have.

    `chance` is the chance that its first try runs out of memory, by replay; `replayed` and
    `exceeded` say on how many of its own runs the margin was tried, and how many exceeded it.
    """

    memory_bytes: int
    declared_bytes: int
    runs: int
    margin: float
    by_input: bool
    chance: float
    replayed: int
    exceeded: int
    confidence: Confidence
    why: str

    @property
    def saved_bytes(self) -> int:
        """Return how much less than declared it is; negative: more."""
        return self.declared_bytes - self.memory_bytes


def recommend(
    runs: Sequence[Observation],
    declared_bytes: int,
    *,
    next_input: int | None = None,
    pool: Pool | None = None,
    limits: Limits | None = None,
) -> Recommendation:
    """Return the size for the next run of a step.

    Args:
        runs: Its attempts that succeeded or ran out of memory, in order of submission; the last
            200 say enough.
        declared_bytes: What its author asks for.
        next_input: Input bytes of the next run, where they are known before it starts.
        pool: What other steps taught; without it a formula stands in.
        limits: The largest node, and how many runs come first.

    The same rows give the same size. It follows from rows alone: no clock, no randomness.
    """
    pool, limits = pool or Pool(), limits or Limits()
    expected = expectations(runs, next_input)
    last = expected[-1]
    known = Known(
        runs=len(runs),
        declared=float(declared_bytes),
        largest=last.largest or 0.0,
        line=last.line,
        input_bytes=next_input,
        too_small=_proved_too_small(runs),
    )
    case = case_of(expected, [run.duration_seconds for run in runs])
    return conclude(known, case, choose_rule(case, pool), limits)


def case_of(expected: Sequence[Expected], seconds: Sequence[float]) -> Case:
    """Return what the past of a step says of each way to expect its next peak.

    Args:
        expected: Of `expectations`, one for each run and one for the next.
        seconds: How long each run took.
    """
    last, past = expected[-1], list(zip(expected, seconds, strict=False))
    runs = len(past)
    largest = [each.largest_ratio for each, _ in past[PRESET_RUNS:]]
    foretold = [(each, took) for each, took in past if each.line is not None]
    line = [each.line_ratio for each, _ in foretold]
    count = max(len(line), 1)
    return Case(
        largest=Evidence(
            cell=cell_of(runs, last.largest_spread),
            exceeded=_exceeded(largest),
            runs=max(runs - PRESET_RUNS, 0),
            byte_seconds=sum((each.largest or 0.0) * took for each, took in past)
            / max(runs - 1, 1),
        ),
        line=Evidence(
            cell=cell_of(len(line) + PRESET_RUNS, last.line_spread),
            exceeded=_exceeded(line),
            runs=len(line),
            byte_seconds=sum((each.line or 0.0) * took for each, took in foretold) / count,
        ),
        largest_beside_line=sum((each.largest or 0.0) * took for each, took in foretold) / count,
    )


def conclude(known: Known, case: Case, rule: Rule, limits: Limits) -> Recommendation:
    """Return the recommendation that a rule comes to, with its reason in one sentence."""
    if known.runs < limits.least_runs or not known.largest:
        return keep_declared(known, limits)
    by_input = rule.follow_line and known.line is not None
    floor = floor_after(known.too_small) if known.too_small else 0.0
    wanted = size_by(rule, known.largest, known.line, known.declared, floor)
    size = min(whole_mebibytes(wanted), limits.node_bytes)
    evidence = case.line if by_input else case.largest
    margin = rule.line_margin if by_input else rule.largest_margin
    exceeded = evidence.exceeded[MARGINS.index(margin)]
    return Recommendation(
        memory_bytes=int(size),
        declared_bytes=int(known.declared),
        runs=known.runs,
        margin=margin,
        by_input=by_input,
        chance=rule.chance,
        replayed=evidence.runs,
        exceeded=exceeded,
        confidence=_confidence(known.runs, rule.chance),
        why=_why(known, rule, (evidence.runs, exceeded), (floor, wanted), limits),
    )


def keep_declared(known: Known, limits: Limits) -> Recommendation:
    """Return the declared size, for a step of which too little is known."""
    missing = limits.least_runs - known.runs
    size = known.declared
    why = f"{known.runs} of {limits.least_runs} runs seen: the declared {size_text(size)} stays"
    if missing <= 0:
        why = f"no run was measured: the declared {size_text(size)} stays"
    if known.too_small >= size:
        size = whole_mebibytes(floor_after(known.too_small))
        why = (
            f"{size_text(known.too_small)} proved too small: {size_text(size)}, until more is known"
        )
    return Recommendation(
        memory_bytes=int(min(size, limits.node_bytes)),
        declared_bytes=int(known.declared),
        runs=known.runs,
        margin=1.0,
        by_input=False,
        chance=0.0,
        replayed=0,
        exceeded=0,
        confidence=Confidence.NONE,
        why=why,
    )


def _why(
    known: Known, rule: Rule, replayed: tuple[int, int], sizes: tuple[float, float], limits: Limits
) -> str:
    floor, wanted = sizes
    if rule.follow_line and known.line is not None:
        source = f" for {size_text(known.input_bytes)}" if known.input_bytes else ""
        expected, margin = known.line, rule.line_margin
        words = f"its input explains the peak: {size_text(expected)} foretold{source}"
    else:
        expected, margin = known.largest, rule.largest_margin
        words = f"largest recent peak {size_text(expected)}"
    words = (
        f"{words} times {margin:.2f}: by replay too little for {replayed[1]} of {replayed[0]} runs,"
        f" for the next one with a chance of {percent(rule.chance)}"
    )
    if wanted > limits.node_bytes:
        words += f"; the largest node holds {size_text(limits.node_bytes)}"
    elif floor and wanted == floor:
        words += f"; {size_text(known.too_small)} proved too small"
    elif wanted == min(float(LEAST_BYTES), known.declared) > expected * margin:
        words += f"; no step gets less than {size_text(wanted)}"
    elif wanted == known.declared < expected * margin:
        words += "; what is declared is room enough"
    return words


def _confidence(runs: int, chance: float) -> Confidence:
    if runs < FEW_RUNS or chance > DOUBTFUL_CHANCE:
        return Confidence.LOW
    return Confidence.MEDIUM if runs < MANY_RUNS else Confidence.HIGH


def _proved_too_small(runs: Sequence[Observation]) -> float:
    """Return the limit of the last attempt that ran out of memory; 0 where none did."""
    return next((float(needed_bytes(run)) for run in reversed(runs) if run.out_of_memory), 0.0)


def _exceeded(ratios: Iterable[float | None]) -> list[int]:
    counts = no_exceedances()
    for ratio in ratios:
        for index in range(0 if ratio is None else exceeded_margins(ratio)):
            counts[index] += 1
    return counts
