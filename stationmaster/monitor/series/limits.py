"""How far off is too far: many spreads and a large share, both; and what keeps to the budget."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from stationmaster.monitor.series.points import DAILY

if TYPE_CHECKING:
    from stationmaster.monitor.series.points import Rhythm

__all__ = ["Bounds", "Guard", "Sensitivity", "bounds_of", "chance_of"]

QUARTER_DAYS: Final = 91
GUARDED_QUARTERS: Final = 4
DROP_SHARE: Final = 0.75
"""Part of the budget that drops may use; rises have the rest."""

OBVIOUS: Final = math.log(10)
"""What is off by a factor of ten is a fault whatever came before: it widens no limit."""

MOST_SPREADS: Final = 8.0
LEAST_GUARDED: Final = 60


@dataclass(frozen=True)
class Sensitivity:
    """Say what is worth an alarm.

    Args:
        spreads: Statistical threshold: robust standard deviations from what is expected.
        share: Relative threshold: the drop below which nobody wants to hear of it (0.4: 40 %). A
            rise must be as far off on the log scale: 40 % less or 67 % more.
        target: The drop that is to be found at once: where the series is steady enough to tell it
            from noise, `share` is lowered for it, down to `least_share`.
        safety: So many spreads are kept between the threshold and the target.
        least_share: The least drop that ordinary noise may alarm on.
        strong_spreads: Beyond these, a drop of `strong_share` is enough.
        strong_share: See there.
        alarms_a_quarter: False alarms that a series may cost in 91 days, for daily series; three
            times as many for hourly ones. Where a series' own past shows that the threshold would
            alarm more often, it is widened, up to 8 spreads.
    """

    spreads: float = 3.0
    share: float = 0.4
    target: float = 0.5
    safety: float = 2.6
    least_share: float = 0.3
    strong_spreads: float = 6.0
    strong_share: float = 0.25
    alarms_a_quarter: float = 1.0


class Bounds(NamedTuple):
    """Hold how far below and above the expected height is normal, on the scale."""

    below: float
    above: float


def bounds_of(spread: float, limits: tuple[float, float], sensitivity: Sensitivity) -> Bounds:
    """Return what is normal, by the spread and by the limits for drops and rises, in spreads."""
    below, above = (_bound(spread, limit, sensitivity) for limit in limits)
    return Bounds(below, above)


def _bound(spread: float, limit: float, wanted: Sensitivity) -> float:
    room = -math.log1p(-wanted.target) - wanted.safety * spread
    share = min(-math.log1p(-wanted.share), max(-math.log1p(-wanted.least_share), room))
    strong = wanted.strong_spreads * limit / wanted.spreads * spread
    return min(max(limit * spread, share), max(strong, -math.log1p(-wanted.strong_share)))


class Guard:
    """Keep a series to its budget of alarms: by the errors of a year, in spreads.

    A limit is so wide that the errors of the last four quarters would have crossed it only as
    often as the budget allows.
    """

    def __init__(self, rhythm: Rhythm, sensitivity: Sensitivity) -> None:
        self._quarter = QUARTER_DAYS * rhythm.week // 7
        self._least = sensitivity.spreads
        budget = sensitivity.alarms_a_quarter * (1 if rhythm is DAILY else 3)
        self._allowed = (budget * DROP_SHARE, budget * (1 - DROP_SHARE))
        self._scores = deque[float]()
        self._ordered: list[float] = []

    def note(self, score: float, error: float) -> None:
        """Take up how far off a value was, in spreads and on the scale."""
        if abs(error) > OBVIOUS:
            return
        insort(self._ordered, score)
        self._scores.append(score)
        if len(self._scores) > GUARDED_QUARTERS * self._quarter:
            del self._ordered[bisect_left(self._ordered, self._scores.popleft())]

    def limits(self) -> tuple[float, float]:
        """Return how many spreads down and up are normal for this series."""
        number = len(self._ordered)
        if number < LEAST_GUARDED:
            return self._least, self._least
        quarters = number / self._quarter
        down, up = (max(1, round(quarters * allowed)) for allowed in self._allowed)
        return self._within(-self._ordered[down]), self._within(self._ordered[-1 - up])

    def _within(self, limit: float) -> float:
        return min(max(self._least, limit), max(self._least, MOST_SPREADS))


def chance_of(score: float) -> float:
    """Return how likely a value so far off is by chance: Student's t with 8 degrees, both sides.

    Real errors have heavier tails than normal ones. The closed form for even degrees of freedom:
    M. Abramowitz, I. Stegun, Handbook of Mathematical Functions, 26.7.4.
    """
    if math.isinf(score):
        return 0.0
    cosine_squared = 8 / (8 + score * score)
    sine = math.sqrt(1 - cosine_squared)
    terms = (1, 1 / 2, 3 / 8, 5 / 16)
    inside = sine * sum(term * cosine_squared**n for n, term in enumerate(terms))
    return max(0.0, 1 - inside)
