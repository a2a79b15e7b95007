"""What the ledger knows, as checks ask it: runs, steps, costs; each as known at the look's moment.

Everything is made of attempts, whoever has them: `ledgerreading` reads them from the database,
`stationmaster.monitor.testing` takes a list.
"""

from __future__ import annotations

import datetime as dt
from functools import cached_property
from typing import TYPE_CHECKING, Final, Protocol

from stationmaster.monitor.facts.histories import PipelineHistory
from stationmaster.monitor.facts.runs import Run, StepRun

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from stationmaster.monitor.facts.attempts import Attempt
    from stationmaster.monitor.facts.histories import KeptHistories
    from stationmaster.monitor.series.ledgerrows import StepRow

__all__ = ["ACTIVE_DAYS", "HISTORY_DAYS", "AttemptSource", "LedgerFacts", "Run", "StepRun"]

HISTORY_DAYS: Final = 100
"""How many business dates back checks look: twelve weeks to judge by, and some to spare."""

ACTIVE_DAYS: Final = 14
"""A pipeline of which nothing ran for so long is nobody's concern."""


class AttemptSource(Protocol):
    """Have attempts and costs; may know more than the look's moment allows."""

    def pipelines(self, since: dt.date, until: dt.date) -> Iterable[str]:
        """Return the pipelines of which something ended, or goes on, from day to day (UTC)."""

    def attempts(self, pipeline: str, since: dt.date) -> Iterable[Attempt]:
        """Return a pipeline's attempts of the business dates since a day, in any order.

        Of older dates those that ran within the last 14 days.
        """

    def costs(self, since: dt.date, until: dt.date) -> Mapping[str, Mapping[dt.date, float]]:
        """Return what each pipeline cost each day (UTC), in USD, where it has a price."""


class LedgerFacts:
    """Answer what checks ask of the ledger, as it was known at a moment.

    Args:
        now: The moment.
        source: Has attempts and costs.
        watched: Pipelines that are looked at also where nothing of them ran of late.
        kept: Histories of looks before.
    """

    def __init__(
        self,
        now: dt.datetime,
        source: AttemptSource,
        watched: Iterable[str] = (),
        kept: KeptHistories | None = None,
    ) -> None:
        self.now = now
        self._source = source
        self._watched = tuple(watched)
        self._kept = kept
        self._histories: dict[str, PipelineHistory] = {}

    @cached_property
    def pipelines(self) -> tuple[str, ...]:
        """Return the pipelines that ran of late, and those that are watched, by name."""
        today = self.now.astimezone(dt.UTC).date()
        since = today - dt.timedelta(days=ACTIVE_DAYS)
        found = {*self._source.pipelines(since, today), *self._watched}
        return tuple(sorted(name for name in found if self.attempts(name)))

    def attempts(self, pipeline: str) -> tuple[Attempt, ...]:
        """Return a pipeline's attempts of the last 100 business dates, as they began."""
        return self.history(pipeline).attempts

    def history(self, pipeline: str) -> PipelineHistory:
        """Return a pipeline's past, with what is made of it."""
        if pipeline not in self._histories:
            since = self.now.date() - dt.timedelta(days=HISTORY_DAYS)
            found = self._kept.find(pipeline, since, self.now) if self._kept else None
            self._histories[pipeline] = found or self._made(pipeline, since)
        return self._histories[pipeline]

    def _made(self, pipeline: str, since: dt.date) -> PipelineHistory:
        every = sorted(self._source.attempts(pipeline, since), key=_in_order)
        known = [each.as_known(self.now) for each in every if each.begun_at <= self.now]
        history = PipelineHistory(known)
        if self._kept is not None and every:
            settled_by = max(each.ended_at or each.begun_at for each in every)
            self._kept.keep(pipeline, since, settled_by, history)
        return history

    @cached_property
    def every_attempt(self) -> tuple[Attempt, ...]:
        """Return the attempts of all pipelines."""
        return tuple(each for name in self.pipelines for each in self.attempts(name))

    @cached_property
    def histories(self) -> tuple[PipelineHistory, ...]:
        """Return the past of all pipelines."""
        return tuple(self.history(name) for name in self.pipelines)

    @cached_property
    def runs(self) -> Mapping[str, tuple[Run, ...]]:
        """Return the runs of each pipeline, the one that began first at the front."""
        return {name: self.history(name).runs for name in self.pipelines}

    def runs_of_day(self, pipeline: str, day: dt.date) -> list[Run]:
        """Return a pipeline's runs of a business date."""
        return list(self.history(pipeline).runs_by_day.get(day, ()))

    def step_runs(self) -> Iterable[StepRun]:
        """Yield each step of each run."""
        for runs in self.runs.values():
            for run in runs:
                yield from run.steps.values()

    def step_rows(self, pipeline: str) -> list[StepRow]:
        """Return a pipeline's attempts as forecasts read them."""
        return self.history(pipeline).step_rows

    @cached_property
    def costs(self) -> Mapping[str, Mapping[dt.date, float]]:
        """Return what each pipeline cost on each whole day (UTC) so far, in USD."""
        today = self.now.astimezone(dt.UTC).date()
        since = today - dt.timedelta(days=HISTORY_DAYS)
        return self._source.costs(since, today - dt.timedelta(days=1))


def _in_order(attempt: Attempt) -> tuple[dt.datetime, int, int, int]:
    """Return the order of attempts: of one part, by try and attempt; else by when they began."""
    return attempt.begun_at, attempt.try_number, attempt.attempt, attempt.shard
