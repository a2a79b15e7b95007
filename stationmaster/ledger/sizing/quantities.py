"""Shares as people read them, and sizes as pods ask for them."""

from __future__ import annotations

from math import ceil

from stationmaster.ledger.sizing.observations import MIB

__all__ = ["percent", "whole_mebibytes"]


def percent(share: float) -> str:
    """Return a share as per cent, with as many digits as small ones need."""
    return f"{share * 100:.1f} %" if share >= 0.01 or share == 0 else f"{share * 100:.2f} %"  # noqa: PLR2004 (below one per cent a second digit tells)


def whole_mebibytes(number: float) -> int:
    """Return bytes rounded up to whole MiB, which is what a pod asks for."""
    return ceil(number / MIB) * MIB
