"""Bytes as people read them."""

from __future__ import annotations

from typing import Final

__all__ = ["size_text"]

UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")
STEP: Final = 1024
WHOLE: Final = 100
"""From here on three digits have no fraction."""


def size_text(number: float) -> str:
    """Return bytes in the unit that reads best, with the digits that one needs: 1.5 GiB."""
    unit = 0
    while abs(number) >= STEP and unit < len(UNITS) - 1:
        number /= STEP
        unit += 1
    digits = f"{number:.0f}" if abs(number) >= WHOLE else f"{number:.3g}"
    return f"{digits} {UNITS[unit]}"
