"""Find what is off in a series: single values, gaps, spans, new levels; each flagged once.

    found = replay(read_series(path).series)
    for flag in found.flags: print(flag.judgement.why)

A `Watch` is fed period by period, so nothing it says of one can depend on a later one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.series.calendars import Calendar
from stationmaster.monitor.series.gaps import Gaps
from stationmaster.monitor.series.intermittent import Silence
from stationmaster.monitor.series.judgements import Flag, Judgement, Kind, Standing
from stationmaster.monitor.series.judging import Judge
from stationmaster.monitor.series.limits import Sensitivity
from stationmaster.monitor.series.points import DAILY
from stationmaster.monitor.series.recurring import Recurring
from stationmaster.monitor.series.rolling import Rolling
from stationmaster.monitor.series.wording import off_sentence
from stationmaster.monitor.series.yearly import Yearly

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Set as AbstractSet

    from stationmaster.monitor.series.points import Point, Rhythm, Series

__all__ = ["Replay", "Watch", "replay"]

ACCEPTED_AFTER: Final = {"daily": 7, "hourly": 48}
"""So many values off to the same side are a new level: it becomes the normal one."""

INSIDE_ENDS: Final = {"daily": 2, "hourly": 3}
"""So many normal values in a row end a run."""


@dataclass
class _Run:
    """Hold values that are off to one side, one after the other."""

    flag: Flag
    values: list[tuple[int, float]] = field(default_factory=list)
    inside: int = 0


@dataclass(frozen=True)
class Replay:
    """Hold what a watch said of a series.

    Args:
        judgements: One for each period from first to last.
        flags: The alarms, oldest first.
        needed: Values that make a history.
        least_drop: The least drop that would be found at once where the series ends, from 0 to 1;
            None: there is no history.
    """

    judgements: list[Judgement]
    flags: list[Flag]
    needed: int
    least_drop: float | None


class Watch:
    """Judge a series as its periods pass.

    Args:
        rhythm: Daily or hourly.
        sensitivity: What is worth an alarm.
        calendar: Days that are neither judged nor learned from.
        acknowledged: Periods of flags whose new level somebody took for normal: it is at once.
    """

    def __init__(
        self,
        rhythm: Rhythm,
        *,
        sensitivity: Sensitivity | None = None,
        calendar: Calendar | None = None,
        acknowledged: AbstractSet[int] = frozenset(),
    ) -> None:
        wanted = sensitivity or Sensitivity()
        self.flags: list[Flag] = []
        self.judge = Judge(rhythm, wanted)
        self._rhythm = rhythm
        self._calendar = calendar or Calendar()
        self._acknowledged = acknowledged
        self._gaps = Gaps(rhythm)
        self._rolling = Rolling(rhythm, wanted)
        self._silence = Silence(rhythm, wanted)
        self._recurring = Recurring(rhythm)
        self._yearly = Yearly(rhythm)
        self._run: _Run | None = None
        self._span_flag: Flag | None = None

    def see(self, period: int, point: Point | None) -> Judgement:
        """Judge the next period; every one since the first must be told, None where nothing came.

        Args:
            period: One more than the last.
            point: What came.
        """
        known = self._calendar.kind_of(self._rhythm.start_of(period))
        if known is not None:
            self._rolling.see(None, None)
            self.judge.learn(period, None)
            why = f"The calendar says: {known}."
            value = None if point is None else point.value
            return Judgement(period, value, Standing.CALENDAR, why=why)
        if point is None:
            return self._see_nothing(period)
        self._gaps.came(period)
        intermittent = self._silence.see(period, point)
        said = self.judge.judge(period, point)
        if intermittent is not None:
            said = intermittent
        return self._settle(said, point)

    def pass_over(self, period: int) -> Judgement:
        """Go on by a period that its clock did not have."""
        self._rolling.see(None, None)
        self.judge.learn(period, None)
        return Judgement(period, None, Standing.ABSENT, why="The clock was put forward.")

    def _see_nothing(self, period: int) -> Judgement:
        self._rolling.see(None, None)
        span = self.judge.range_of(period)
        self.judge.learn(period, None)
        said = self._gaps.missing(period, span, history=self.judge.baseline is not None)
        if said.standing is Standing.FLAGGED:
            self._raise(said)
        elif said.standing is Standing.CONTINUES:
            self._extend(self.flags_of(Kind.MISSING)[-1], period)
        return said

    def flags_of(self, kind: Kind) -> list[Flag]:
        """Return the flags of a kind, oldest first."""
        return [flag for flag in self.flags if flag.judgement.kind is kind]

    def _settle(self, said: Judgement, point: Point) -> Judgement:
        """Join what is off to its run, learn what is normal, and look at the span."""
        expected = self.judge.expected
        slow = None if expected is None else expected.slow_height
        if said.standing is Standing.INCOMPLETE:
            self._rolling.see(None, None)
            self.judge.learn(said.period, None)
            return said
        said = self._of_its_year(said)
        if said.standing is Standing.CALENDAR:
            self._rolling.see(None, None)
            self.judge.learn(said.period, None)
            return said
        if said.standing in (Standing.NORMAL, Standing.FLAGGED) and self._run is None:
            self.judge.note_score(said)
        if said.standing is Standing.FLAGGED and said.kind is not Kind.SILENT:
            said = self._off(said)
        else:
            if said.kind is Kind.SILENT:
                said = self._silent(said)
            self._back(said)
            self.judge.learn(said.period, point.value)
        return self._look_at_span(said, point, slow)

    def _of_its_year(self, said: Judgement) -> Judgement:
        """Take what is off as it was a year ago for a holiday."""
        baseline, expected = self.judge.baseline, self.judge.expected
        if said.standing is not Standing.FLAGGED or baseline is None or expected is None:
            return said
        error = baseline.scale.of_value(said.value or 0.0) - expected.height
        year = self._yearly.year_of(said.period, error)
        self._yearly.note(said.period, error)
        if year is None or self._run is not None:
            return said
        why = f"As far off as on the same date in {year}."
        return replace(said, standing=Standing.CALENDAR, why=why, kind=None)

    def _off(self, said: Judgement) -> Judgement:
        """Open a run, or go on with it; a long one, or an acknowledged one, is the new normal."""
        run, value = self._run, said.value or 0.0
        earlier = self._recurring.flag_of(said)
        if run is not None and run.flag.judgement.kind is said.kind:
            self._extend(run.flag, said.period)
            said = _continued(said)
        elif earlier is not None:
            self._extend(earlier, said.period)
            run, said = _Run(earlier), _continued(said)
        else:
            run = _Run(self._raise(said))
        self._run = run
        run.inside = 0
        run.values.append((said.period, value))
        opened = run.flag.judgement.period
        if self._recurring.is_accepted(said, run.flag):
            run.flag.accepted_period = said.period
            self.judge.forget(said.period)
            self.judge.learn(said.period, value)
            return said
        if len(run.values) >= ACCEPTED_AFTER[self._rhythm.name] or opened in self._acknowledged:
            run.flag.accepted_period = said.period
            self.judge.restart(run.values)
            self._run = None
        self.judge.learn(said.period, None)
        return said

    def _back(self, said: Judgement) -> None:
        """Count normal values in a run; enough of them end it."""
        if self._run is None or said.standing is not Standing.NORMAL:
            return
        self._run.inside += 1
        if self._run.inside >= INSIDE_ENDS[self._rhythm.name]:
            self._run = None

    def _silent(self, said: Judgement) -> Judgement:
        silent = self.flags_of(Kind.SILENT)
        if said.standing is Standing.CONTINUES and silent:
            self._extend(silent[-1], said.period)
            return said
        self._raise(said)
        return said

    def _look_at_span(self, said: Judgement, point: Point, slow: float | None) -> Judgement:
        baseline = self.judge.baseline
        if baseline is None or slow is None:
            self._rolling.see(None, None)
            return said
        found = self._rolling.see(point.value, baseline.scale.value_of(slow))
        if found is None:
            self._span_flag = None
            return said
        if said.standing is not Standing.NORMAL or self._run is not None:
            return said
        if self._span_flag is not None:
            self._extend(self._span_flag, said.period)
            return _continued(said)
        came, span = self._rolling.span_of(found)
        compared = "the last 7 days" if self._rhythm is DAILY else "the last 24 hours"
        kind = Kind.LOW_OF_LATE if found.score < 0 else Kind.HIGH_OF_LATE
        why = off_sentence(came, span, compared)
        said = Judgement(
            said.period, came, Standing.FLAGGED, span, found.score, said.chance, kind, why
        )
        self._span_flag = self._raise(said)
        return said

    def _raise(self, said: Judgement) -> Flag:
        self.flags.append(Flag(said, said.period))
        return self.flags[-1]

    @staticmethod
    def _extend(flag: Flag, period: int) -> None:
        flag.last_period = period
        flag.periods += 1


def replay(
    series: Series,
    *,
    sensitivity: Sensitivity | None = None,
    calendar: Calendar | None = None,
    acknowledged: AbstractSet[int] = frozenset(),
    until: dt.datetime | None = None,
) -> Replay:
    """Return what a watch would have said of a series, each period judged by those before it.

    Args:
        series: The points.
        sensitivity: What is worth an alarm.
        calendar: Days that are neither judged nor learned from.
        acknowledged: Periods of flags whose new level somebody took for normal.
        until: Up to this moment something was expected; None: up to the last point.
    """
    watch = Watch(
        series.rhythm, sensitivity=sensitivity, calendar=calendar, acknowledged=acknowledged
    )
    last = series.last
    if until is not None:
        last = max(last, series.rhythm.period_of(until) - 1)
    judgements = [
        watch.pass_over(period)
        if period in series.skipped
        else watch.see(period, series.by_period.get(period))
        for period in range(series.first, last + 1)
    ]
    bounds = watch.judge.bounds
    least = None if bounds is None else -math.expm1(-bounds.below)
    return Replay(judgements, watch.flags, watch.judge.needed, least)


def _continued(said: Judgement) -> Judgement:
    return replace(said, standing=Standing.CONTINUES)
