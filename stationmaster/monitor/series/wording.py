"""Numbers and sentences of flags, as people read them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from stationmaster.monitor.series.judgements import Range

__all__ = ["change_text", "number_text", "off_sentence"]

LARGE: Final = 1000.0
DOUBLE: Final = 2.0


def number_text(number: float) -> str:
    """Return a number with three digits that mean something, thousands apart."""
    if not math.isfinite(number):
        return str(number)
    if number == int(number) or abs(number) >= LARGE:
        return f"{number:,.0f}"
    return f"{number:.3g}"


def change_text(value: float, expected: float) -> str:
    """Return how far a value is from what was expected: 52 % below, 2.1 times."""
    if expected <= 0:
        return f"{number_text(abs(value - expected))} {'below' if value < expected else 'above'}"
    ratio = value / expected
    if ratio >= DOUBLE:
        return f"{ratio:.1f} times"
    return f"{abs(1 - ratio) * 100:.0f} % {'below' if ratio < 1 else 'above'}"


def off_sentence(value: float, span: Range, compared: str) -> str:
    """Return what is off about a value.

    Args:
        value: What came.
        span: What was expected.
        compared: What it is compared with: Mondays.
    """
    return (
        f"{number_text(value)} is {change_text(value, span.expected)} what is expected of "
        f"{compared} now: {number_text(span.expected)}, normally {number_text(span.low)} to "
        f"{number_text(span.high)}."
    )
