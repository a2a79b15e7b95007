"""What no single value shows: a day or a week that is off as a whole, a ramp too slow to see."""

from __future__ import annotations

import math
from collections import deque
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

CERTAIN: Final = 0.9
"""Part of the span's periods that must have a value."""


class SpanFinding(NamedTuple):
    """Hold what is off about the sum of the last periods."""

    ratio: float
    """The sum over what the level of weeks ago would have made of it."""

    score: float
    low: float
    high: float


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

    def see(self, value: float | None, slow: float | None) -> SpanFinding | None:
        """Take a period's value and its slow expectation up; return what is off, if anything is."""
        self._turn = (self._turn + 1) % self._stride
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
        bound = max(SPREADS * spread, self._least_log)
        if abs(log_ratio - usual) <= bound:
            return None
        low, high = (math.exp(usual + side * bound) for side in (-1, 1))
        return SpanFinding(math.exp(log_ratio), (log_ratio - usual) / spread, low, high)

    def span_of(self, finding: SpanFinding) -> tuple[float, Range]:
        """Return the sum of the span and what it was expected to be."""
        known = [pair for pair in self._pairs if pair is not None]
        came, expected = (sum(side) for side in zip(*known, strict=True))
        middle = math.sqrt(finding.low * finding.high)
        return came, Range(expected * finding.low, expected * middle, expected * finding.high)
