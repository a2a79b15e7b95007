"""What is said of a period, and of a flag: from its first period to its last."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from stationmaster.monitor.series.points import Rhythm

__all__ = ["Flag", "Judgement", "Kind", "Range", "Standing"]


class Kind(StrEnum):
    """Name what a flag is about."""

    DROP = "drop"
    RISE = "rise"
    MISSING = "missing"
    LOW_OF_LATE = "low-of-late"
    HIGH_OF_LATE = "high-of-late"
    SILENT = "silent"


class Standing(StrEnum):
    """Name how a period stands; only the flagged ones are alarms."""

    LEARNING = "not enough history"
    NORMAL = "normal"
    FLAGGED = "flagged"
    CONTINUES = "continues"
    INCOMPLETE = "not complete yet"
    CALENDAR = "known by the calendar"
    ABSENT = "not expected"


class Range(NamedTuple):
    """Hold what a value was expected to be, in the series' unit."""

    low: float
    expected: float
    high: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """Say how one period stands.

    Args:
        period: Its number in the rhythm.
        value: What came; None: nothing.
        standing: How it stands.
        range: What was expected; None where that is not known.
        score: How many spreads off; 0 where that is not known.
        chance: How likely such a value is by chance, from 0 to 1.
        kind: What is wrong with it; None where nothing is.
        why: One sentence.
    """

    period: int
    value: float | None
    standing: Standing
    range: Range | None = None
    score: float = 0.0
    chance: float = 1.0
    kind: Kind | None = None
    why: str = ""


@dataclass
class Flag:
    """Hold one alarm: the judgement that raised it, and how long it went on.

    Args:
        judgement: Of its first period: what came later changes nothing about it.
        last_period: The last one so far that was off in the same way.
        periods: How many were.
        accepted_period: When what it is about became the new normal; None: it has not.
    """

    judgement: Judgement
    last_period: int
    periods: int = 1
    accepted_period: int | None = None

    def as_document(self, rhythm: Rhythm) -> dict[str, Any]:
        """Return it for JSON: numbers in the series' unit."""
        said = self.judgement
        expected = said.range
        accepted = self.accepted_period
        return {
            "timestamp": rhythm.text_of(said.period),
            "value": said.value,
            "kind": said.kind,
            "reason": said.why,
            "expected": None if expected is None else _short(expected.expected),
            "expected_low": None if expected is None else _short(expected.low),
            "expected_high": None if expected is None else _short(expected.high),
            "spreads_off": _short(said.score),
            "chance": _short(said.chance),
            "last_timestamp": rhythm.text_of(self.last_period),
            "periods": self.periods,
            "accepted_at": None if accepted is None else rhythm.text_of(accepted),
        }


def _short(number: float) -> float:
    """Return a number with the digits that mean something."""
    return float(f"{number:.6g}")
