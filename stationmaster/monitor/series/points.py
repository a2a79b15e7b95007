"""A series: one value a day or an hour, and where each stands in its week."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["DAILY", "HOURLY", "RHYTHMS", "Point", "Rhythm", "Series", "rhythm_of"]

MONDAY: Final = dt.datetime(2000, 1, 3)  # noqa: DTZ001 (series count on the wall clock they were written in)


class Rhythm(NamedTuple):
    """Say how often a series has a value, and how many values make a week."""

    name: str
    seconds: int
    week: int

    def period_of(self, at: dt.datetime) -> int:
        """Return the number of the day or hour that a moment is in; 0 is a Monday's first."""
        return (at.replace(tzinfo=None) - MONDAY) // dt.timedelta(seconds=self.seconds)

    def start_of(self, period: int) -> dt.datetime:
        """Return when a day or hour begins, on the series' own clock."""
        return MONDAY + dt.timedelta(seconds=self.seconds) * period

    def text_of(self, period: int) -> str:
        """Return a day as 2011-11-21, an hour as 2011-11-21T14:00."""
        start = self.start_of(period)
        return start.date().isoformat() if self is DAILY else start.isoformat(timespec="minutes")

    def slot_name(self, period: int) -> str:
        """Return what the period is compared with: Mondays, or Mondays at 14:00."""
        start = self.start_of(period)
        return f"{start:%A}s" if self is DAILY else f"{start:%A}s at {start:%H:%M}"


DAILY: Final = Rhythm("daily", 86_400, 7)
HOURLY: Final = Rhythm("hourly", 3_600, 168)
RHYTHMS: Final = {rhythm.name: rhythm for rhythm in (DAILY, HOURLY)}


@dataclass(frozen=True, slots=True)
class Point:
    """Hold one value of a series.

    Args:
        at: Any moment of its day or hour, on the clock whose weekdays and hours matter.
        value: In the series' unit.
        complete: False: more of it is still to come, so it cannot be too low.
    """

    at: dt.datetime
    value: float
    complete: bool = True


@dataclass(frozen=True)
class Series:
    """Hold the points of a series by their period, in order; the last word of a period stands."""

    name: str
    rhythm: Rhythm
    by_period: dict[int, Point] = field(default_factory=dict)
    skipped: frozenset[int] = frozenset()
    """Hours that their clock did not have, when it was put forward: nothing is due in them."""

    @classmethod
    def of(cls, name: str, points: Iterable[Point], rhythm: Rhythm | None = None) -> Series:
        """Return the series of some points, in any order.

        Raises:
            MisconfiguredError: They are neither daily nor hourly.
        """
        given = list(points)
        chosen = rhythm or rhythm_of([point.at for point in given], name)
        found = {chosen.period_of(point.at): point for point in given}
        return cls(name, chosen, dict(sorted(found.items())))

    def __len__(self) -> int:
        return len(self.by_period)

    @property
    def first(self) -> int:
        """Return the number of the first period that has a value."""
        return next(iter(self.by_period))

    @property
    def last(self) -> int:
        """Return the number of the last one."""
        return next(reversed(self.by_period))


def rhythm_of(moments: Sequence[dt.datetime], name: str) -> Rhythm:
    """Return the rhythm that most gaps between moments have.

    Raises:
        MisconfiguredError: Fewer than two moments, or a gap that is neither a day nor an hour.
    """
    ordered = sorted({moment.replace(tzinfo=None) for moment in moments})
    gaps = Counter(
        round((after - before).total_seconds() / 3600) for before, after in pairwise(ordered)
    )
    hours = gaps.most_common(1)[0][0] if gaps else 0
    if hours == 1:
        return HOURLY
    if hours == 24:  # noqa: PLR2004 (hours of a day)
        return DAILY
    raise MisconfiguredError(
        where=name,
        expected="a value a day or a value an hour",
        got=f"{len(ordered)} moment(s)" if not gaps else f"values about {hours} hours apart",
        hint="Sum it up by day or hour; for very few points say the rhythm: --rhythm daily.",
    )
