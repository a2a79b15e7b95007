"""What no single value shows: a day or a week that is off as a whole, a ramp too slow to see."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

from stationmaster.monitor.series.judgements import Range
from stationmaster.monitor.series.points import DAILY
from stationmaster.monitor.series.scales import spread_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stationmaster.monitor.series.limits import Sensitivity
    from stationmaster.monitor.series.points import Rhythm

__all__ = ["Rolling", "SpanFinding"]

LEAST_RATIOS: Final = 28
LEAST_SPREAD: Final = 0.03
SPREADS: Final = 4.0
"""Sums overlap, so that one odd day is in several: the threshold is higher than for one value."""

A_YEAR: Final = 364
TOLD_A_YEAR: Final = 2
"""Where a year had so many spans off to one side, only what is farther off than the least of them
is news: a series with seasons has such weeks."""

CERTAIN: Final = 0.9
"""Part of the span's periods that must have a value."""


class SpanFinding(NamedTuple):
    """Hold what is off about the sum of the last periods."""

    ratio: float
    """The sum over what the level of weeks ago would have made of it."""

    score: float
    low: float
    high: float


@dataclass
class _Spell:
    """Hold spans that are off to one side, one after the other, and the farthest of them."""

    since: int
    side: int
    farthest: float


class Rolling:
    """Compare the sum of the last day (of a week, for daily series) with the level before it.

    What the level of one to five weeks ago would have made of these periods is one side, what came
    the other; how their ratio varies in this series, and whether it grows by itself, is known from
    its own past.
    """

    def __init__(self, rhythm: Rhythm, sensitivity: Sensitivity) -> None:
        self._span = 7 if rhythm is DAILY else 24
        self._stride = 1 if rhythm is DAILY else 24
        self._least_log = -math.log1p(-sensitivity.least_share)
        self._pairs = deque[tuple[float, float] | None](maxlen=self._span)
        self._ratios = [deque[float](maxlen=182) for _ in range(self._stride)]
        self._turn = 0
        self._seen = 0
        self._spell: _Spell | None = None
        self._spells = deque[_Spell]()

    def see(self, value: float | None, slow: float | None) -> SpanFinding | None:
        """Take a period's value and its slow expectation up; return what is off, if anything is."""
        self._turn = (self._turn + 1) % self._stride
        self._seen += 1
        self._pairs.append(None if value is None or slow is None else (value, slow))
        known = [pair for pair in self._pairs if pair is not None]
        if len(self._pairs) < self._span or len(known) < CERTAIN * self._span:
            return None
        came, expected = (sum(side) for side in zip(*known, strict=True))
        if expected <= 0 or came < 0:
            return None
        log_ratio = math.log(max(came / expected, 1e-9))
        past = self._ratios[self._turn]
        found = self._judge(log_ratio, past) if len(past) >= LEAST_RATIOS else None
        past.append(log_ratio)
        return found

    def _judge(self, log_ratio: float, past: Sequence[float]) -> SpanFinding | None:
        usual = median(past)
        spread = max(spread_of([ratio - usual for ratio in past]), LEAST_SPREAD)
        off = log_ratio - usual
        bound = max(SPREADS * spread, self._least_log)
        if abs(off) <= bound:
            self._spell = None
            return None
        bound = max(bound, self._budgeted(off))
        if abs(off) <= bound:
            return None
        low, high = (math.exp(usual + side * bound) for side in (-1, 1))
        return SpanFinding(math.exp(log_ratio), off / spread, low, high)

    def _budgeted(self, off: float) -> float:
        """Return how far off the year's second spell to this side was; note the one that goes."""
        side = 1 if off > 0 else -1
        while self._spells and self._spells[0].since < self._seen - A_YEAR * self._stride:
            self._spells.popleft()
        if self._spell is None or self._spell.side != side:
            self._spell = _Spell(self._seen, side, 0.0)
            self._spells.append(self._spell)
        self._spell.farthest = max(self._spell.farthest, abs(off))
        others = [each for each in self._spells if each.side == side and each is not self._spell]
        farthest = sorted((each.farthest for each in others), reverse=True)
        return farthest[TOLD_A_YEAR - 1] if len(farthest) >= TOLD_A_YEAR else 0.0

    def span_of(self, finding: SpanFinding) -> tuple[float, Range]:
        """Return the sum of the span and what it was expected to be."""
        known = [pair for pair in self._pairs if pair is not None]
        came, expected = (sum(side) for side in zip(*known, strict=True))
        middle = math.sqrt(finding.low * finding.high)
        return came, Range(expected * finding.low, expected * middle, expected * finding.high)
