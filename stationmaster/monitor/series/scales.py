"""The scale on which a series is compared: logarithmic, but with room for zero.

`asinh(value / 2 unit)` is the logarithm of `value / unit` for all that is much larger than the
unit, straight around zero, and knows negative values (J. Burbidge, L. Magee, A. Robb, Alternative
Transformations to Handle Extreme Values, JASA 83, 1988).
"""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Scale", "hodges_lehmann", "spread_of"]

NORMAL_MAD: Final = 1.4826
"""Turns the median absolute deviation into the standard deviation, for normal data."""

SMALL: Final = 0.001
HALF: Final = 0.5
FARTHEST: Final = 700.0
FEW: Final = 3
MOST_PAIRED: Final = 28


class Scale(NamedTuple):
    """Turn values into the scale of comparison and back."""

    unit: float
    counts: bool

    @classmethod
    def of(cls, values: Sequence[float]) -> Scale:
        """Return the scale for a series by its first values: whole numbers are counts."""
        counts = all(value == int(value) for value in values)
        sizes = [abs(value) for value in values if value]
        typical = median(sizes) if sizes else 1.0
        return cls(HALF if counts else SMALL * typical, counts)

    def of_value(self, value: float) -> float:
        """Return a value on the scale."""
        return math.asinh(value / (2 * self.unit))

    def value_of(self, height: float) -> float:
        """Return the value that stands at a height of the scale."""
        return 2 * self.unit * math.sinh(max(-FARTHEST, min(FARTHEST, height)))

    def least_spread(self, height: float) -> float:
        """Return how much a count varies by chance alone (Poisson); 0 for what is no count."""
        if not self.counts:
            return 0.0
        count = max(0.0, self.value_of(height))
        return math.sqrt(count + 0.25) / math.sqrt(count * count + 1)


def hodges_lehmann(values: Sequence[float]) -> float:
    """Return the median of all pairs' means: robust as a median, and nearly as sharp as a mean.

    More than 28 values: their plain median. Source: J. Hodges, E. Lehmann, Estimates of Location
    Based on Rank Tests, Annals of Mathematical Statistics 34, 1963.
    """
    number = len(values)
    if number < FEW:
        return sum(values) / number
    if number > MOST_PAIRED:
        return median(values)
    pairs = [(values[i] + values[j]) / 2 for i in range(number) for j in range(i, number)]
    return median(pairs)


def spread_of(errors: Sequence[float]) -> float:
    """Return the robust standard deviation of errors around zero."""
    return NORMAL_MAD * median([abs(error) for error in errors])
