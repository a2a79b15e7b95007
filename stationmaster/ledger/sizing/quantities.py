"""Sizes and shares as people read them."""

from __future__ import annotations

from math import ceil
from typing import Final

from stationmaster.ledger.sizing.observations import MIB

__all__ = ["percent", "size_text", "whole_mebibytes"]

MOST_MEBIBYTES: Final = 1000
"""From here on a size is told in GiB."""


def size_text(number: float) -> str:
    """Return bytes as MiB or GiB, three digits."""
    mebibytes = number / MIB
    if mebibytes < MOST_MEBIBYTES:
        return f"{mebibytes:.0f} MiB"
    return f"{mebibytes / 1024:.3g} GiB"


def percent(share: float) -> str:
    """Return a share as per cent, with as many digits as small ones need."""
    return f"{share * 100:.1f} %" if share >= 0.01 or share == 0 else f"{share * 100:.2f} %"  # noqa: PLR2004 (below one per cent a second digit tells)


def whole_mebibytes(number: float) -> int:
    """Return bytes rounded up to whole MiB, which is what a pod asks for."""
    return ceil(number / MIB) * MIB
