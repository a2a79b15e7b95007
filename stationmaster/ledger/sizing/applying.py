"""From a recommendation to the size that is given: by mode, by small steps, with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from stationmaster.ledger.quantities import size_text
from stationmaster.ledger.sizing.deciding import floor_after
from stationmaster.ledger.sizing.quantities import whole_mebibytes
from stationmaster.ledger.sizing.recommending import Confidence

if TYPE_CHECKING:
    from stationmaster.ledger.sizing.recommending import Limits, Recommendation

__all__ = ["Applied", "Bounds", "Mode", "decide"]

MOST_GROWTH_A_DAY: Final = 2.0
MOST_SHRINKING_A_DAY: Final = 0.8
LEAST_CHANGE: Final = 0.02


class Mode(StrEnum):
    """Name what is done with recommendations."""

    OBSERVE = "observe"
    """Measure only."""
    RECOMMEND = "recommend"
    """Say what would be better; the declared size stays. The default."""
    APPLY = "apply"
    """Give it, by bounded steps."""


@dataclass(frozen=True)
class Bounds:
    """Hold how far an applied size moves in 24 hours, as factors of what it was then.

    Growth after an out-of-memory is not bounded: what was proved too small is never given again.
    """

    growth_a_day: float = MOST_GROWTH_A_DAY
    shrinking_a_day: float = MOST_SHRINKING_A_DAY


@dataclass(frozen=True)
class Applied:
    """Hold the size of a step's next run and the sentence for its log and the ledger."""

    memory_bytes: int
    mode: Mode
    why: str
    changed: bool
    """Whether it differs from what was in force: then it is a new row in the ledger."""


def decide(  # noqa: PLR0913 (all that a size depends on, by name)
    recommendation: Recommendation,
    *,
    before: int | None,
    day_before: int | None,
    mode: Mode,
    limits: Limits,
    too_small: int = 0,
    bounds: Bounds | None = None,
) -> Applied:
    """Return what the next run of a step gets.

    Args:
        recommendation: For this step, with what it declares.
        before: The size in force, bytes; None: the declared one.
        day_before: The size in force 24 hours ago, bytes; None: the declared one.
        mode: What is done with recommendations.
        limits: The largest node.
        too_small: What the step's last out-of-memory proved too small, bytes; 0: it had none. It
            holds in every mode, since the size after it is given by the retry, not by advice.
        bounds: How far a size moves in a day.
    """
    bounds = bounds or Bounds()
    declared = recommendation.declared_bytes
    current = declared if before is None else before
    anchor = declared if day_before is None else day_before
    size, why = _by_mode(recommendation, current, mode, (anchor, bounds))
    if too_small and size <= too_small:
        size = whole_mebibytes(floor_after(too_small))
        why = (
            f"{size_text(size)}: {size_text(too_small)} proved too small at its last out of memory"
        )
    if size > limits.node_bytes:
        size = int(limits.node_bytes)
        why = f"{size_text(size)}: what the largest node holds; wanted was more ({why})"
    return Applied(size, mode, why, changed=size != current)


def _by_mode(
    recommendation: Recommendation, current: int, mode: Mode, day: tuple[int, Bounds]
) -> tuple[int, str]:
    wanted, declared = recommendation.memory_bytes, recommendation.declared_bytes
    if mode is Mode.OBSERVE:
        return declared, f"{size_text(declared)} as declared: sizes are only observed"
    if mode is Mode.RECOMMEND:
        advice = f"{size_text(wanted)} would do ({recommendation.why})"
        if recommendation.confidence is Confidence.NONE:
            advice = recommendation.why
        return declared, f"{size_text(declared)} as declared; {advice}"
    if recommendation.confidence is Confidence.NONE:
        return wanted, f"{size_text(wanted)}: {recommendation.why}"
    if abs(wanted - current) < LEAST_CHANGE * current and wanted <= current:
        return current, f"{size_text(current)} stays ({recommendation.why})"
    anchor, bounds = day
    least, most = anchor * bounds.shrinking_a_day, anchor * bounds.growth_a_day
    size = whole_mebibytes(min(max(wanted, least), most))
    words = f"{size_text(size)} instead of {size_text(declared)}"
    if size != wanted:
        words += f", on the way from {size_text(current)} to {size_text(wanted)}"
    return size, f"{words}: {recommendation.why}"
