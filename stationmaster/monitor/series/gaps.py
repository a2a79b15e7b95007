"""Tell a value that is missing from one that was never due."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.series.judgements import Judgement, Kind, Standing

if TYPE_CHECKING:
    from stationmaster.monitor.series.judgements import Range
    from stationmaster.monitor.series.points import Rhythm

__all__ = ["Gaps"]

WEEKS: Final = 8
MAY_LACK: Final = {3: 0, 4: 1, 5: 1, 6: 2, 7: 2, 8: 2}
"""Of so many same weekdays (and hours) so many may have had no value, and one is still due."""

MANY_GAPS: Final = 5
"""A series with so many gaps in eight weeks is full of them: only a longer one is told."""

FORGOTTEN_DAYS: Final = 14
"""After so many days without a value its weekdays are no longer due."""


class Gaps:
    """Know on which weekdays (and hours) a value is due: where one came nearly every week."""

    def __init__(self, rhythm: Rhythm) -> None:
        self._rhythm = rhythm
        self._came = defaultdict[int, deque[bool]](lambda: deque(maxlen=WEEKS))
        self._missing_since: int | None = None
        self._flagged = False
        self._past_gaps = deque[tuple[int, int]](maxlen=MANY_GAPS)

    def came(self, period: int) -> None:
        """Note that a value came."""
        if self._missing_since is not None:
            self._past_gaps.append((period, period - self._missing_since))
        self._missing_since = None
        self._flagged = False
        self._came[period % self._rhythm.week].append(True)

    def missing(self, period: int, span: Range | None, *, history: bool) -> Judgement:
        """Return what it means that none came.

        Args:
            period: Which one.
            span: What was expected of it.
            history: False: the series is too young to know what is due.
        """
        slot = self._came[period % self._rhythm.week]
        due = history and slot.count(False) <= MAY_LACK.get(len(slot), -1)
        first = self._missing_since is None
        came, weeks = slot.count(True), len(slot)
        forgotten = FORGOTTEN_DAYS * self._rhythm.week // 7
        if not due or first or (self._missing_since or period) + forgotten < period:
            slot.append(False)  # one closed Monday may be followed by others
        if not due:
            return Judgement(period, None, Standing.ABSENT)
        self._missing_since = period if self._missing_since is None else self._missing_since
        if self._flagged:
            return Judgement(period, None, Standing.CONTINUES, kind=Kind.MISSING)
        if period - self._missing_since < self._usual_gap(period):
            return Judgement(period, None, Standing.ABSENT)
        self._flagged = True
        why = (
            f"Nothing came; {self._rhythm.slot_name(period)} had a value in "
            f"{came} of the last {weeks} weeks."
        )
        return Judgement(period, None, Standing.FLAGGED, span, kind=Kind.MISSING, why=why)

    def _usual_gap(self, period: int) -> int:
        """Return the longest gap of the last eight weeks where there were many; else 0."""
        since = period - WEEKS * self._rhythm.week
        lengths = [length for at, length in self._past_gaps if at >= since]
        return max(lengths) if len(lengths) == MANY_GAPS else 0
