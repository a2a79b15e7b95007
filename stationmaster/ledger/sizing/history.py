"""What was expected of each run of one step before it ran, from the runs before it alone.

Two ways of expecting: the largest peak of the recent runs, and a line through input size and peak.
`stationmaster.ledger.sizing.columns` is the same in columns, for many steps; a test holds the two
equal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, log
from typing import TYPE_CHECKING, Final

from stationmaster.ledger.sizing.observations import DAY_SECONDS, GB, needed_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stationmaster.ledger.sizing.observations import Observation

__all__ = [
    "EULER_LESS_ONE",
    "FARTHEST",
    "LEAST_EXPLAINED",
    "LEAST_VARIATION",
    "LINE_RATIOS",
    "LINE_RUNS",
    "SHRINK",
    "TICKS_A_SECOND",
    "WINDOW_RUNS",
    "WINDOW_TICKS",
    "Expected",
    "expectations",
]

WINDOW_RUNS: Final = 20
TICKS_A_SECOND: Final = 1_000
WINDOW_TICKS: Final = int(14 * DAY_SECONDS) * TICKS_A_SECOND
"""The window is the last 20 runs or the last 14 days, whichever holds more."""

SHRINK: Final = 0.95
"""What was expected falls to no less than this part of itself from one run to the next."""

LINE_RUNS: Final = 4
"""Runs with a known input size before a line is drawn through them."""

LINE_RATIOS: Final = 2
"""Runs that the line has foretold before what it missed by is known."""

LEAST_VARIATION: Final = 1e-3
"""Inputs that vary by less (standard deviation over mean, squared) explain nothing."""

EULER_LESS_ONE: Final = 0.5772 - 1

LEAST_EXPLAINED: Final = 1e-3
"""A line by which a usual input makes less of a usual peak than this explains nothing."""

FARTHEST: Final = 3.0
"""A line that foretells more than this times the largest peak ever seen is not followed there."""


@dataclass(frozen=True)
class Expected:
    """Hold what was expected of one run, bytes, and how it compares with what the run needed.

    A ratio is needed over expected: above 1 the run needed more. None: nothing could be said.
    """

    largest: float | None = None
    largest_ratio: float | None = None
    largest_spread: float = 0.0
    line: float | None = None
    line_ratio: float | None = None
    line_spread: float = 0.0


@dataclass
class _Line:
    """A least-squares line through (input, peak), both in GB, that grows point by point."""

    count: int = 0
    x: float = 0.0
    y: float = 0.0
    xx: float = 0.0
    xy: float = 0.0

    def add(self, x: float, y: float) -> None:
        self.count += 1
        self.x += x
        self.y += y
        self.xx += x * x
        self.xy += x * y

    def at(self, x: float) -> float | None:
        if self.count < LINE_RUNS:
            return None
        varied = self.count * self.xx - self.x * self.x
        if varied <= LEAST_VARIATION * self.x * self.x:
            return None
        slope = (self.count * self.xy - self.x * self.y) / varied
        if slope * self.x <= LEAST_EXPLAINED * self.y:
            return None
        return (self.y - slope * self.x) / self.count + slope * x


@dataclass
class _Values:
    """Values of earlier runs: the largest of the recent ones, and the spread of all."""

    rows: list[tuple[int, int, float]] = field(default_factory=list)
    smallest: float = inf
    highest: float = 0.0
    logarithms: float = 0.0

    def add(self, number: int, tick: int, value: float) -> None:
        self.rows.append((number, tick, value))
        self.smallest, self.highest = min(self.smallest, value), max(self.highest, value)
        self.logarithms += log(value)

    def recent(self, number: int, tick: int) -> float:
        """Return the largest value of the last 20 runs or 14 days before run `number`."""
        largest = 0.0
        for at, when, value in reversed(self.rows):
            if at < number - WINDOW_RUNS and when < tick - WINDOW_TICKS:
                break
            largest = max(largest, value)
        return largest

    def spread(self) -> float:
        """Return the scale of an exponential distribution that the logarithms could be drawn from.

        Of n such draws the largest is expected H(n) scales above the least there can be, their
        mean one: the scale is (largest - mean) / (H(n) - 1), H(n) being ln n + 0.5772 + 1 / 2n.
        """
        count = len(self.rows)
        if count < 2:  # noqa: PLR2004 (one value has no spread)
            return 0.0
        above = max(log(self.highest) - self.logarithms / count, 0.0)
        return above / (log(count) + EULER_LESS_ONE + 0.5 / count)


def expectations(runs: Sequence[Observation], next_input: int | None = None) -> list[Expected]:
    """Return what was expected of each run, in order, and last what is expected of the next one.

    Args:
        runs: The runs of one step in order of submission.
        next_input: Input bytes of the run to come, where they are known before it starts.

    What stands at run k follows from the runs before it and its own input size only.
    """
    peaks, missed, line = _Values(), _Values(), _Line()
    expected: list[Expected] = []
    largest = 0.0
    ticks = _ticks(runs)
    for number, when in enumerate(ticks):
        run = runs[number] if number < len(runs) else None
        needed = None if run is None else float(needed_bytes(run))
        source = next_input if run is None else run.input_bytes
        largest = max(peaks.recent(number, when), largest * SHRINK) if number else 0.0
        foretold = None if source is None else _foretold(line, source / GB, peaks)
        misses = missed.recent(number, when) if len(missed.rows) >= LINE_RATIOS else None
        bound = None if foretold is None or misses is None else foretold * max(misses, 1.0)
        expected.append(
            Expected(
                largest=largest or None,
                largest_ratio=needed / largest if needed is not None and largest else None,
                largest_spread=peaks.spread(),
                line=bound,
                line_ratio=None if needed is None or bound is None else needed / bound,
                line_spread=missed.spread(),
            )
        )
        if run is None or needed is None:
            break
        if foretold is not None:
            missed.add(number, when, needed / foretold)
        if source is not None:
            line.add(source / GB, needed / GB)
        peaks.add(number, when, needed)
    return expected


def _foretold(line: _Line, input_gb: float, peaks: _Values) -> float | None:
    """Return what the line foretells, bytes: never less than the smallest peak seen."""
    at = line.at(input_gb)
    if at is None:
        return None
    return min(max(at * GB, peaks.smallest), FARTHEST * peaks.highest)


def _ticks(runs: Sequence[Observation]) -> list[int]:
    """Return when each run and the next one came, rising: the next one comes right after."""
    ticks: list[int] = []
    for run in (*runs, *runs[-1:]):
        tick = round(run.submitted_at * TICKS_A_SECOND)
        ticks.append(max(tick, ticks[-1] + 1) if ticks else tick)
    return ticks or [0]
