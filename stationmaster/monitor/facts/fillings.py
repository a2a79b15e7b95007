"""How full disks and volumes are, and how fast they fill: a line through a whole cycle."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CYCLE", "Filling", "FreePoint", "Trend"]

CYCLE: Final = dt.timedelta(hours=24)
"""What fills by day is often cleared by night: a line through less foretells wrongly."""

LEAST_POINTS: Final = 12
LONGEST_GAP: Final = dt.timedelta(hours=4)


class FreePoint(NamedTuple):
    """Hold how much was free at a moment."""

    at: dt.datetime
    free_bytes: float


class Trend(NamedTuple):
    """Hold the line through a whole cycle.

    Args:
        bytes_per_day: Below zero where it fills.
        steady: Both halves of the cycle fill: neither a single jump nor a daily clearing.
    """

    bytes_per_day: float
    steady: bool


@dataclass(frozen=True, kw_only=True)
class Filling:
    """Hold how full one file system is.

    Args:
        name: As its finding's subject names it: `namespace/claim`, or `host:path`.
        where: For people: "volume data of pod postgres-0", "disk / of node n1".
        capacity_bytes: What fits.
        free_bytes: What is left, for whom it belongs to.
        is_disk: A node's or the laptop's own disk, not a volume that a claim asked for.
        free_files: Inodes left, where that is known.
        files: Inodes there are.
        history: Of the last cycle, oldest first; empty where nobody keeps one.
    """

    name: str
    where: str
    capacity_bytes: float
    free_bytes: float
    is_disk: bool = False
    free_files: float | None = None
    files: float | None = None
    history: tuple[FreePoint, ...] = ()

    @property
    def free_share(self) -> float:
        """Return the part that is free, of bytes or of inodes, whichever is less."""
        shares = [self.free_bytes / self.capacity_bytes if self.capacity_bytes else 1.0]
        if self.files and self.free_files is not None:
            shares.append(self.free_files / self.files)
        return min(shares)

    def trend(self) -> Trend | None:
        """Return the least-squares line through the last cycle; None where it is not whole."""
        points = self.history
        if len(points) < LEAST_POINTS or _has_hole(points):
            return None
        half = points[0].at + CYCLE / 2
        parts = [[p for p in points if p.at < half], [p for p in points if p.at >= half]]
        slopes = [_slope(part) for part in parts]
        return Trend(_slope(points), steady=all(each < 0 for each in slopes))

    def full_in(self) -> dt.timedelta | None:
        """Return when nothing is left if it goes on so; None where it does not fill steadily."""
        trend = self.trend()
        if trend is None or not trend.steady or trend.bytes_per_day >= 0:
            return None
        return dt.timedelta(days=min(self.free_bytes / -trend.bytes_per_day, 10_000))

    def below_since(self, share: float, now: dt.datetime) -> dt.datetime:
        """Return since when less than a share has been free, as far as the history tells."""
        below = itertools.takewhile(
            lambda point: point.free_bytes < share * self.capacity_bytes, reversed(self.history)
        )
        return min((point.at for point in below), default=now)


def _has_hole(points: Sequence[FreePoint]) -> bool:
    """Tell whether the history is shorter than a cycle, or misses a part of it."""
    if points[-1].at - points[0].at < CYCLE * 0.95:
        return True
    return any(b.at - a.at > LONGEST_GAP for a, b in itertools.pairwise(points))


def _slope(points: Sequence[FreePoint]) -> float:
    """Return the least-squares slope in bytes a day."""
    if len(points) < 2:  # noqa: PLR2004 (a line needs two)
        return 0.0
    first = points[0].at
    days = [(point.at - first).total_seconds() / 86_400 for point in points]
    mean_day = sum(days) / len(days)
    mean_free = sum(point.free_bytes for point in points) / len(points)
    over = sum((day - mean_day) ** 2 for day in days)
    pairs = zip(days, points, strict=True)
    along = sum((day - mean_day) * (point.free_bytes - mean_free) for day, point in pairs)
    return along / over if over else 0.0
