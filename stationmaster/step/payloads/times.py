"""The time a payload tells of itself, written so that times sort as their texts do."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

__all__ = ["sortable"]

_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d")
_LONGEST: Final = 40
_SECONDS: Final = (10**8, 10**11)
_MILLISECONDS: Final = (10**11, 10**14)
_SCALE: Final = 1000


def sortable(told: object) -> str:
    """Return a time as text; empty for what is no time, or is written in an order of its own."""
    if isinstance(told, str):
        return told[:_LONGEST] if _ISO.match(told) else ""
    if isinstance(told, bool) or not isinstance(told, int):
        return ""
    seconds = 0
    if _SECONDS[0] <= told < _SECONDS[1]:
        seconds = told
    elif _MILLISECONDS[0] <= told < _MILLISECONDS[1]:
        seconds = told // _SCALE
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%Y-%m-%dT%H:%M:%SZ}" if seconds else ""
