"""All facts of one look, at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt

__all__ = ["Facts"]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Hold what checks may look at.

    Args:
        now: The moment; checks ask no other clock.
    """

    now: dt.datetime
