"""What is normal: the level of late, times what this weekday and hour are beside the level.

A baseline is fed period by period and knows only what it was fed: no look-ahead. Everything is on
the series' `Scale`, where sums are factors.
"""

from __future__ import annotations

from collections import defaultdict, deque
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

from stationmaster.monitor.series.following import Following
from stationmaster.monitor.series.points import DAILY
from stationmaster.monitor.series.scales import Scale, hodges_lehmann, spread_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stationmaster.monitor.series.points import Rhythm

__all__ = ["Baseline", "Expected"]

WEEKS: Final = 12
"""How many of the same weekday (and hour) are compared with."""

LEAST_SAME: Final = 2
LEAST_ERRORS: Final = {"daily": 8, "hourly": 72}
"""Fewer errors than these tell no spread."""

FEW_ERRORS: Final = 3
"""With n errors the spread is told 3 / n wider: few of them look alike by chance."""

LEAST_SPREAD: Final = 0.02
"""No series is foretold better than to 2 %: without this floor a flat one would alarm on a hair."""

SPREAD_WEIGHT: Final = 6
"""So many errors of the same weekday (hour) weigh as much as those of all days."""

SHARE_OF_WEEK: Final = 0.4
SLOW_LAG_DAYS: Final = 7


class Expected(NamedTuple):
    """Hold what is expected of a period: on the scale, its spread, and by the level of long ago."""

    height: float
    spread: float | None
    slow_height: float | None


class Baseline:
    """Learn what is normal of a series, one period after the other.

    The level is the mean of four levels, of short and long windows, each weighing by how well it
    foretold of late, and a part of the last value's error. A weekday's (and hour's) place is the
    median of what it was beside its own week's middle in the last 12 weeks.
    """

    def __init__(self, rhythm: Rhythm, scale: Scale) -> None:
        self.scale = scale
        self._rhythm = rhythm
        daily = rhythm is DAILY
        self._windows = (3, 7, 14, 28) if daily else (2, 6, 24, 168)
        self._least_errors = LEAST_ERRORS[rhythm.name]
        remembered = 56 if daily else 168
        self._past_errors = {window: deque[float](maxlen=remembered) for window in self._windows}
        self._errors = deque[float](maxlen=112 if daily else 672)
        self._errors_alike = defaultdict[int, deque[float]](lambda: deque(maxlen=26))
        self._places = defaultdict[int, deque[float]](lambda: deque(maxlen=WEEKS))
        self._around = deque[float | None](maxlen=rhythm.week | 1)
        self._levels = deque[float](maxlen=280)
        self._guesses: dict[int, float] = {}
        self._following = Following(rhythm)
        self._plain = 0.0
        self._sums = [0.0, 0]
        self._age = 0
        self._weights: dict[int, float] = {}
        self._overall: float | None = None

    def expect(self, period: int) -> Expected | None:
        """Return what is expected of a period; None where nothing like it is known."""
        place = self._place(period)
        self._guesses = {}
        if place is None or len(self._levels) < min(self._windows):
            return None
        recent = list(self._levels)
        self._guesses = {
            window: hodges_lehmann(recent[-window:]) + place for window in self._windows
        }
        self._refresh()
        total = sum(self._weights.values())
        self._plain = (
            sum(self._guesses[each] * part for each, part in self._weights.items()) / total
        )
        height = self._plain + self._following.added(period)
        return Expected(height, self._spread(period, height), self._slow(recent, place))

    def learn(self, period: int, value: float, *, expected: Expected | None) -> None:
        """Take a normal value up: its error, its level, and its week's places."""
        height = self.scale.of_value(value)
        if expected is not None:
            self.note_error(period, height - expected.height)
            self._following.learn(period, height - self._plain)
            for window, guess in self._guesses.items():
                self._past_errors[window].append(abs(height - guess))
        self._pass(period, value)
        place = self._place(period)
        if place is not None:
            self._levels.append(height - place)

    def note_error(self, period: int, error: float) -> None:
        """Take up how far a value was from what was expected; also of values that were flagged."""
        self._errors.append(error)
        self._errors_alike[self._alike(period)].append(error)

    def skip(self, period: int) -> None:
        """Pass a period of which nothing is to be learned."""
        self._pass(period, None)

    def restart(self, values: Sequence[tuple[int, float]]) -> None:
        """Take another level as the normal one, by the periods and values that showed it."""
        heights = [(self.scale.of_value(value), self._place(period)) for period, value in values]
        self._following.restart()
        self._levels.clear()
        self._levels.extend(height - place for height, place in heights if place is not None)

    def forget(self, period: int) -> None:
        """Forget the place of a period's weekday (and hour); the next two weeks tell it anew."""
        self._places[period % self._rhythm.week].clear()

    def _place(self, period: int) -> float | None:
        same = self._places.get(period % self._rhythm.week)
        return hodges_lehmann(same) if same and len(same) >= LEAST_SAME else None

    def _weight(self, window: int) -> float:
        errors = self._past_errors[window]
        known = len(errors) >= self._least_errors
        return max(1e-6, median(errors)) ** -4 if known else 1.0

    def _refresh(self) -> None:
        """Weigh the levels and measure the spread: for each day, and not anew for each hour."""
        if self._age % (self._rhythm.week // 7) == 0 or self._overall is None:
            self._weights = {window: self._weight(window) for window in self._windows}
            number = len(self._errors)
            known = number >= self._least_errors
            held = [each for each in self._around if each is not None]
            self._sums = [sum(held), len(held)]  # anew, before roundings add up
            self._overall = spread_of(self._errors) * (1 + FEW_ERRORS / number) if known else None
            self._following.refresh(self._overall)
        self._age += 1

    def _spread(self, period: int, height: float) -> float | None:
        overall = self._overall
        if overall is None:
            return None
        alike = self._errors_alike[self._alike(period)]
        if len(alike) > LEAST_SAME:
            number = len(alike)
            squares = number * spread_of(alike) ** 2 + SPREAD_WEIGHT * overall**2
            overall = (squares / (number + SPREAD_WEIGHT)) ** 0.5
        return max(overall, LEAST_SPREAD, self.scale.least_spread(height))

    def _slow(self, recent: list[float], place: float) -> float | None:
        """Return what the level of one to five weeks ago would have made of the period."""
        a_day = self._rhythm.week // 7
        older = recent[: -SLOW_LAG_DAYS * a_day][-28 * a_day :]
        return median(older) + place if len(older) >= SLOW_LAG_DAYS * a_day // 2 else None

    def _alike(self, period: int) -> int:
        """Return what errors are compared by: the weekday, or the hour of the day."""
        return period % (7 if self._rhythm is DAILY else 24)

    def _pass(self, period: int, value: float | None) -> None:
        """Note the period; the one half a week before it now has its whole week around it."""
        width = self._around.maxlen or 1
        self._count(self._around[0] if len(self._around) == width else None, -1)
        self._count(value, 1)
        self._around.append(value)
        middle = self._around[width // 2] if len(self._around) == width else None
        if middle is None or self._sums[1] < SHARE_OF_WEEK * width:
            return
        if self._rhythm is DAILY:
            typical = median(each for each in self._around if each is not None)
        else:
            typical = self._sums[0] / self._sums[1]
        centre = self.scale.of_value(typical)
        slot = (period - width // 2) % self._rhythm.week
        self._places[slot].append(self.scale.of_value(middle) - centre)

    def _count(self, value: float | None, sign: int) -> None:
        if value is not None:
            self._sums[0] += sign * value
            self._sums[1] += sign
