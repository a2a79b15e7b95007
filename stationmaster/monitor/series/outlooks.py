"""What the ledger's steps are heading for: out of memory, slower, more set aside, a pool too small.

Plain functions over series; each outlook says what, since when, when, and what to do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from stationmaster.ledger.quantities import size_text
from stationmaster.monitor.series.announcing import day_text, forecast_document
from stationmaster.monitor.series.days import by_day
from stationmaster.monitor.series.forecast import HORIZON_DAYS, Forecast, Outlook, forecast

if TYPE_CHECKING:
    from stationmaster.monitor.series.points import Series

__all__ = [
    "StepOutlook",
    "creeping_outlook",
    "memory_outlook",
    "pool_outlook",
    "recommended_bytes",
]

MIB: Final = 2**20
GIB: Final = 2**30
SMALL_STEP: Final = 128 * MIB
ENOUGH_DAYS: Final = 30
"""A recommended size holds the growth of so many days."""

MARGIN: Final = 1.15
MOST_TIMES: Final = 4
"""A size is recommended for at most so many times what is needed now: growth seldom lasts."""

CREEPS_TO: Final = 2.0
"""What has no limit of its own is told when it is heading for twice what it was."""

SOME_MINUTES: Final = 120.0
LEAST_SHARE: Final = 0.02
"""A share below two in a hundred may double without anybody minding."""


@dataclass(frozen=True, slots=True)
class StepOutlook:
    """Say what something is heading for.

    Args:
        what: A step of a pipeline, or a pool.
        measure: What of it.
        forecast: When its limit is met.
        day: The number of the last day that was known.
        sentence: What, since when, when.
        action: What to do; "" where there is nothing to do.
    """

    what: str
    measure: str
    forecast: Forecast
    day: int
    sentence: str
    action: str

    @property
    def is_due(self) -> bool:
        """Return whether somebody should hear of it."""
        return self.forecast.outlook is Outlook.CROSSES

    def as_document(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "what": self.what,
            "measure": self.measure,
            **forecast_document(self.forecast, self.day),
            "sentence": self.sentence,
            "action": self.action,
        }


def memory_outlook(
    what: str, peaks: Series, given_bytes: int, *, horizon: int = HORIZON_DAYS
) -> StepOutlook:
    """Return when a step outgrows the memory that it is given.

    Args:
        what: The step's name.
        peaks: Its peak memory a day, bytes.
        given_bytes: What it is given now.
        horizon: Days ahead.
    """
    told, day = _forecast(peaks, float(given_bytes), horizon)
    now = size_text(told.level or 0.0)
    sentence = _sentence(
        told, f"peak memory, now {now} of {size_text(given_bytes)}", "out of memory"
    )
    wanted = recommended_bytes(told, given_bytes)
    action = f"Recommended: {size_text(wanted)}." if told.outlook is Outlook.CROSSES else ""
    return StepOutlook(what, "peak memory", told, day, f"{what}: {sentence}", action)


def pool_outlook(
    pool: str, at_once: Series, cap_bytes: int, *, horizon: int = HORIZON_DAYS
) -> StepOutlook:
    """Return when the memory asked for at the same time outgrows a pool's cap.

    Args:
        pool: Its name.
        at_once: The highest sum a day, bytes.
        cap_bytes: What the pool may have.
        horizon: Days ahead.
    """
    told, day = _forecast(at_once, float(cap_bytes), horizon)
    now = f"memory at once, now {size_text(told.level or 0.0)} of {size_text(cap_bytes)}"
    sentence = _sentence(told, now, "steps wait for nodes")
    action = "Raise the pool's limit, or move steps to another hour."
    due = told.outlook is Outlook.CROSSES
    return StepOutlook(
        pool, "memory at once", told, day, f"{pool}: {sentence}", action if due else ""
    )


def creeping_outlook(
    what: str,
    series: Series,
    measure: str,
    *,
    limit: float | None = None,
    horizon: int = HORIZON_DAYS,
) -> StepOutlook:
    """Return when something that should stay as it is meets its limit.

    Args:
        what: The step's name.
        series: Seconds, or shares from 0 to 1.
        measure: What they are, for the sentence.
        limit: What it must not meet; None: twice its median of the days before the last two weeks.
        horizon: Days ahead.
    """
    _, values = by_day(series)
    early = values[:-14] or values
    usual = CREEPS_TO * median(early) if early else 0.0
    bound = limit if limit is not None else max(usual, LEAST_SHARE if "share" in measure else 0.0)
    told, day = _forecast(series, bound, horizon)
    end = "its limit" if limit is not None else "twice what it was"
    now, there = (_in_its_unit(measure, number) for number in (told.level or 0.0, bound))
    sentence = _sentence(told, f"{measure}, now {now}", f"{end} ({there})")
    due = told.outlook is Outlook.CROSSES
    action = f"Look at what changed about {_began(told, day)}: its input, its code, its source."
    action = action if due else ""
    return StepOutlook(what, measure, told, day, f"{what}: {sentence}", action)


def recommended_bytes(told: Forecast, given_bytes: int) -> int:
    """Return a size that holds the growth of thirty days, whole steps of 128 MiB or 1 GiB."""
    level, growth = told.level or 0.0, told.growth or 0.0
    grown = level * min(MOST_TIMES, (1 + max(0.0, growth)) ** ENOUGH_DAYS)
    wanted = max(MARGIN * grown, float(given_bytes))
    step = GIB if wanted > GIB else SMALL_STEP
    return math.ceil(wanted / step) * step


def _forecast(series: Series, limit: float, horizon: int) -> tuple[Forecast, int]:
    days, values = by_day(series)
    return forecast(days, values, limit, horizon=horizon), days[-1]


def _began(told: Forecast, day: int) -> str:
    return day_text(day, 1 - (told.trend_days or 1))


def _in_its_unit(measure: str, number: float) -> str:
    """Return seconds as 95 s or 8.6 min, a share as 1.9 %."""
    if "share" in measure:
        return f"{number * 100:.2g} %"
    return f"{number:.0f} s" if number < SOME_MINUTES else f"{number / 60:.3g} min"


def _sentence(told: Forecast, now: str, end: str) -> str:
    if told.outlook is not Outlook.CROSSES:
        return f"{now}: {told.outlook}."
    growth = (told.growth or 0.0) * 100
    earliest, latest = told.earliest or 0.0, told.latest or 0.0
    span = f"{earliest:.0f}" if earliest == latest else f"{earliest:.0f} to {latest:.0f}"
    return f"{now}, {growth:+.2g} % a day for {told.trend_days} days: {end} in {span} days."
