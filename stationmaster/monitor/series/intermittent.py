"""Series in which most often nothing happens: errors, rare exports, refunds.

A median of them is zero, so a level tells nothing. What can be said: something came that is far
above what comes when something comes, or it has been silent for longer than ever.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from statistics import median
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.series.judgements import Judgement, Kind, Range, Standing
from stationmaster.monitor.series.scales import spread_of
from stationmaster.monitor.series.wording import number_text, off_sentence

if TYPE_CHECKING:
    from stationmaster.monitor.series.limits import Sensitivity
    from stationmaster.monitor.series.points import Point, Rhythm

__all__ = ["Silence"]

RECENT_DAYS: Final = 56
LEAST_DAYS: Final = 14
UNEXPLAINED: Final = 0.4
"""From this part on of the rarer ones, zeros or others, that weekday and hour do not tell."""

LEAST_ZEROS: Final = 0.3
LEAST_POSITIVE: Final = 8
LEAST_SILENCES: Final = 8
LONGER: Final = 2
LEAST_SPREAD: Final = 0.25


class Silence:
    """Judge an intermittent series; say nothing of any other."""

    def __init__(self, rhythm: Rhythm, sensitivity: Sensitivity) -> None:
        self._rhythm = rhythm
        self._spreads = sensitivity.spreads
        days = rhythm.week // 7
        self._recent = deque[bool](maxlen=RECENT_DAYS * days)
        self._unexplained = deque[bool](maxlen=RECENT_DAYS * days)
        self._slots = defaultdict[int, deque[bool]](lambda: deque(maxlen=8))
        self._logs = deque[float](maxlen=200)
        self._silences = deque[int](maxlen=100)
        self._quiet = 0
        self._least = LEAST_DAYS * days

    def see(self, period: int, point: Point) -> Judgement | None:
        """Return how a value of an intermittent series stands, by what came before it; learn it.

        None: the series is not intermittent, or not known well enough.
        """
        applies = self._applies()
        said = self._judge(period, point) if applies else None
        self._learn(period, point)
        return said

    def _applies(self) -> bool:
        number = len(self._recent)
        if number < self._least:
            return False
        positive = sum(self._recent)
        rarer = min(positive, number - positive)
        mixed = sum(self._unexplained) > UNEXPLAINED * rarer
        return mixed and number - positive >= LEAST_ZEROS * number

    def _judge(self, period: int, point: Point) -> Judgement:
        longest = max(self._silences, default=0)
        quiet = self._quiet + 1 if point.value == 0 else 0
        if point.value <= 0:
            if len(self._silences) < LEAST_SILENCES or quiet <= LONGER * longest + 1:
                return Judgement(period, point.value, Standing.NORMAL)
            new = quiet == LONGER * longest + 2
            standing = Standing.FLAGGED if new else Standing.CONTINUES
            unit = "days" if self._rhythm.week == 7 else "hours"  # noqa: PLR2004 (days of a week)
            why = (
                f"Nothing for {quiet} {unit}; the longest silence before was "
                f"{number_text(longest)} {unit}."
            )
            return Judgement(period, point.value, standing, kind=Kind.SILENT, why=why)
        if len(self._logs) < LEAST_POSITIVE:
            why = f"Not enough history: {len(self._logs)} of {LEAST_POSITIVE} values above zero."
            return Judgement(period, point.value, Standing.LEARNING, why=why)
        middle = median(self._logs)
        spread = max(spread_of([log - middle for log in self._logs]), LEAST_SPREAD)
        most = max(middle + 2 * self._spreads * spread, max(self._logs) + LEAST_SPREAD)
        span = Range(0.0, math.exp(middle), math.exp(min(most, 700.0)))
        score = (math.log(point.value) - middle) / spread
        if point.value <= span.high:
            return Judgement(period, point.value, Standing.NORMAL, span, score)
        why = off_sentence(point.value, span, "what comes when something comes")
        return Judgement(
            period, point.value, Standing.FLAGGED, span, score, 0.0, kind=Kind.RISE, why=why
        )

    def _learn(self, period: int, point: Point) -> None:
        positive = point.value > 0
        slot = self._slots[period % self._rhythm.week]
        if slot:
            usually = 2 * sum(slot) > len(slot)
            self._unexplained.append(usually != positive)
            self._recent.append(positive)
        slot.append(positive)
        if not positive:
            self._quiet += 1
            return
        self._logs.append(math.log(point.value))
        if self._quiet:
            self._silences.append(self._quiet)
        self._quiet = 0
