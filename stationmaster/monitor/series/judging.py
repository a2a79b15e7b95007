"""Judge single values; the tested one never helps to say what was expected of it."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.series.baselines import Baseline, Expected
from stationmaster.monitor.series.judgements import Judgement, Kind, Range, Standing
from stationmaster.monitor.series.limits import Bounds, Guard, Sensitivity, bounds_of, chance_of
from stationmaster.monitor.series.scales import Scale
from stationmaster.monitor.series.wording import off_sentence

if TYPE_CHECKING:
    from stationmaster.monitor.series.points import Point, Rhythm

__all__ = ["NEEDED_DAYS", "Judge"]

NEEDED_DAYS: Final = {"daily": 28, "hourly": 21}
SHORT_DAYS: Final = 14
"""From here on what is beyond half or twice of all that ever came is flagged."""

NEVER_ZERO: Final = 28


class Judge:
    """Judge single values; what they belong to (runs, gaps, spans) is others' to say.

    Args:
        rhythm: Of the series.
        sensitivity: What is worth an alarm.
    """

    def __init__(self, rhythm: Rhythm, sensitivity: Sensitivity) -> None:
        self._rhythm = rhythm
        self._sensitivity = sensitivity
        self._days = rhythm.week // 7
        self._guard = Guard(rhythm, sensitivity)
        self._first: list[tuple[int, float | None]] = []
        self._seen = 0
        self._extremes = (math.inf, -math.inf)
        self._zeros = deque[bool](maxlen=NEVER_ZERO * self._days)
        self.baseline: Baseline | None = None
        self.bounds: Bounds | None = None
        self.expected: Expected | None = None

    @property
    def needed(self) -> int:
        """Return how many values make a history."""
        return NEEDED_DAYS[self._rhythm.name] * self._days

    def judge(self, period: int, point: Point) -> Judgement:
        """Return how a value stands, by what was learned before it; learn nothing."""
        span = self.range_of(period)
        if self._seen < self.needed or self.baseline is None:
            return self._judge_short(period, point)
        expected = self.expected
        if span is None or expected is None or expected.spread is None:
            why = f"No history of {self._rhythm.slot_name(period)} within 12 weeks."
            return Judgement(period, point.value, Standing.LEARNING, why=why)
        error = self.baseline.scale.of_value(point.value) - expected.height
        score = error / expected.spread
        kind = self._kind(error, point.value, expected, score)
        return self._said(period, point, span, score, kind)

    def range_of(self, period: int) -> Range | None:
        """Return what is normal for a period, None where too little is known."""
        expected = self.expected = self.baseline.expect(period) if self.baseline else None
        if self.baseline is None or expected is None or expected.spread is None:
            return None
        self.bounds = bounds_of(expected.spread, self._guard.limits(), self._sensitivity)
        scale, height = self.baseline.scale, expected.height
        heights = (height - self.bounds.below, height, height + self.bounds.above)
        values = [scale.value_of(each) for each in heights]
        if self._extremes[0] >= 0:  # no volume is below zero
            values = [max(0.0, value) for value in values]
        return Range(*values)

    def learn(self, period: int, value: float | None) -> None:
        """Take a normal value up; None: there is nothing to be learned of this period."""
        if self.baseline is None:
            self._begin(period, value)
            return
        if value is None:
            self.baseline.skip(period)
        else:
            self._note(value)
            self.baseline.learn(period, value, expected=self.expected)
        self.expected = None

    def note_score(self, judgement: Judgement) -> None:
        """Take up how far off a value was, flagged or not, for what keeps to the budget."""
        expected, value = self.expected, judgement.value
        if self.baseline and expected and expected.spread and value is not None:
            error = self.baseline.scale.of_value(value) - expected.height
            self._guard.note(judgement.score, error)

    def forget(self, period: int) -> None:
        """Forget what a period's weekday (and hour) was beside its week: it is another now."""
        if self.baseline is not None:
            self.baseline.forget(period)

    def restart(self, values: list[tuple[int, float]]) -> None:
        """Take another level as normal, by the values that showed it."""
        if self.baseline is not None:
            self.baseline.restart(values)

    def _kind(self, error: float, value: float, expected: Expected, score: float) -> Kind | None:
        if self.bounds is None or self.baseline is None:
            return None
        if error < -self.bounds.below or self._is_first_zero(value, expected, score):
            return Kind.DROP
        return Kind.RISE if error > self.bounds.above else None

    def _is_first_zero(self, value: float, expected: Expected, score: float) -> bool:
        """Tell whether nothing came where for four weeks something always did."""
        if value != 0 or self.baseline is None or score > -self._sensitivity.spreads / 2:
            return False
        full = len(self._zeros) == self._zeros.maxlen and not any(self._zeros)
        return full and expected.height > self.baseline.scale.of_value(0)

    def _said(
        self, period: int, point: Point, span: Range, score: float, kind: Kind | None
    ) -> Judgement:
        chance = chance_of(score * self._sensitivity.spreads / self._guard.limits()[score > 0])
        if not point.complete and kind is not Kind.RISE:
            why = "More of it is still to come: late data is not low data."
            return Judgement(period, point.value, Standing.INCOMPLETE, span, score, why=why)
        if kind is None:
            return Judgement(period, point.value, Standing.NORMAL, span, score, chance)
        why = off_sentence(point.value, span, self._rhythm.slot_name(period))
        return Judgement(
            period, point.value, Standing.FLAGGED, span, score, chance, kind=kind, why=why
        )

    def _judge_short(self, period: int, point: Point) -> Judgement:
        """Judge with two weeks to a month of history: by half and twice all that ever came."""
        why = f"Not enough history: {self._seen} of {self.needed} values."
        lowest, highest = self._extremes
        if self._seen < SHORT_DAYS * self._days or lowest <= 0:
            return Judgement(period, point.value, Standing.LEARNING, why=why)
        span = Range(lowest / 2, math.sqrt(lowest * highest), highest * 2)
        kind = Kind.DROP if point.value < span.low else None
        kind = Kind.RISE if point.value > span.high else kind
        if kind is None:
            return Judgement(period, point.value, Standing.LEARNING, span, why=why)
        compared = f"a series with {self._seen} values so far"
        said = self._said(period, point, span, 0.0, kind)
        if said.standing is not Standing.FLAGGED:
            return said
        sentence = off_sentence(point.value, span, compared)
        return Judgement(period, point.value, Standing.FLAGGED, span, kind=kind, why=sentence)

    def _note(self, value: float) -> None:
        self._seen += 1
        self._zeros.append(value == 0)
        self._extremes = (min(self._extremes[0], value), max(self._extremes[1], value))

    def _begin(self, period: int, value: float | None) -> None:
        """Keep the first two weeks until they tell the scale; then learn them."""
        self._first.append((period, value))
        if value is not None:
            self._note(value)
        values = [each for _, each in self._first if each is not None]
        if len(values) < SHORT_DAYS * self._days:
            return
        self.baseline = Baseline(self._rhythm, Scale.of(values))
        for each, known in self._first:
            if known is None:
                self.baseline.skip(each)
            else:
                self.baseline.learn(each, known, expected=None)
        self._first.clear()
