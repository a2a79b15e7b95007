"""A pipeline's past, and what is made of it: kept between looks until something of it changes."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from stationmaster.monitor.facts.figures import said_by
from stationmaster.monitor.facts.published import publications_of
from stationmaster.monitor.facts.runs import made_runs
from stationmaster.monitor.series.stepseries import Measure, StepName, step_series

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping, Sequence

    from stationmaster.monitor.facts.attempts import Attempt
    from stationmaster.monitor.facts.figures import Said
    from stationmaster.monitor.facts.published import Publication
    from stationmaster.monitor.facts.runs import Run
    from stationmaster.monitor.series.ledgerrows import StepRow
    from stationmaster.monitor.series.points import Series

__all__ = ["KeptHistories", "PipelineHistory"]


class PipelineHistory:
    """Hold a pipeline's attempts as known at a moment; what is made of them is made once.

    Args:
        attempts: In order of their beginning.
    """

    def __init__(self, attempts: Sequence[Attempt]) -> None:
        self.attempts = tuple(attempts)
        self._series: dict[Measure, dict[StepName, Series]] = {}

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """Return its runs, the one that began first at the front."""
        return made_runs(self.attempts)

    @cached_property
    def runs_by_day(self) -> Mapping[dt.date, list[Run]]:
        """Return its runs by business date."""
        found: dict[dt.date, list[Run]] = {}
        for run in self.runs:
            found.setdefault(run.business_date, []).append(run)
        return found

    @cached_property
    def step_rows(self) -> list[StepRow]:
        """Return its attempts as forecasts read them."""
        return [each.as_step_row() for each in self.attempts]

    @cached_property
    def publications(self) -> Mapping[str, tuple[Publication, ...]]:
        """Return all publishings of each dataset and report."""
        return publications_of(self.attempts)

    @cached_property
    def said(self) -> Mapping[str, tuple[Said, ...]]:
        """Return all that was said of each figure."""
        return said_by(self.attempts)

    def series(self, measure: Measure) -> Mapping[StepName, Series]:
        """Return a measure of each step by business date."""
        if measure not in self._series:
            self._series[measure] = step_series(self.step_rows, measure)
        return self._series[measure]


class _Kept(NamedTuple):
    version: int
    since: dt.date
    settled_by: dt.datetime
    history: PipelineHistory


class KeptHistories:
    """Keep histories for a process that looks again and again.

    Args:
        version: Tells of a pipeline a number that is another one when an attempt of it is.
    """

    def __init__(self, version: Callable[[str], int]) -> None:
        self._version = version
        self._kept: dict[str, _Kept] = {}

    def find(self, pipeline: str, since: dt.date, now: dt.datetime) -> PipelineHistory | None:
        """Return the history as known at a moment, None where it must be made anew."""
        kept = self._kept.get(pipeline)
        if kept is None or (kept.version, kept.since) != (self._version(pipeline), since):
            return None
        return kept.history if kept.settled_by <= now else None

    def keep(
        self, pipeline: str, since: dt.date, settled_by: dt.datetime, history: PipelineHistory
    ) -> None:
        """Keep a history that is the same at all moments from one on."""
        self._kept[pipeline] = _Kept(self._version(pipeline), since, settled_by, history)
