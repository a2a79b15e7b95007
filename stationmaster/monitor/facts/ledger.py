"""What the ledger knows, as checks ask it: runs, steps, costs; each as known at the look's moment.

Everything is made of attempts, whoever has them: `ledgerreading` reads them from the database,
`stationmaster.monitor.testing` takes a list.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from stationmaster.monitor.facts.attempts import Attempt
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


class StepRun(NamedTuple):
    """Hold a step of one run: all of its tries, attempts and parts, in order."""

    pipeline: str
    step: str
    run_id: str
    business_date: dt.date
    attempts: tuple[Attempt, ...]

    @property
    def name(self) -> str:
        """Return `pipeline/step`."""
        return f"{self.pipeline}/{self.step}"

    @property
    def last_of_parts(self) -> tuple[Attempt, ...]:
        """Return the last attempt of each of its parts."""
        return tuple({each.part: each for each in self.attempts}.values())

    @property
    def begun_at(self) -> dt.datetime:
        """Return when its first attempt began."""
        return min(each.begun_at for each in self.attempts)

    @property
    def is_done(self) -> bool:
        """Tell whether all of its parts did their work."""
        return all(each.is_done for each in self.last_of_parts)

    @property
    def goes_on(self) -> bool:
        """Tell whether an attempt of it has not ended."""
        return any(each.verdict is None for each in self.last_of_parts)

    @property
    def failed(self) -> Attempt | None:
        """Return the attempt that it failed by, None where it goes on or is done.

        What was stopped since another part had failed is not why.
        """
        if self.goes_on:
            return None
        bad = [each for each in self.last_of_parts if each.has_failed]
        return max(bad, key=lambda each: (each.verdict != "stopped", _ended(each)), default=None)

    @property
    def ended_at(self) -> dt.datetime | None:
        """Return when its last part ended; None: it goes on."""
        if self.goes_on:
            return None
        return max(_ended(each) for each in self.last_of_parts)


class Run(NamedTuple):
    """Hold one run of a pipeline, as far as the ledger has seen it."""

    pipeline: str
    run_id: str
    business_date: dt.date
    steps: Mapping[str, StepRun]

    @property
    def begun_at(self) -> dt.datetime:
        """Return when its first step began."""
        return min(each.begun_at for each in self.steps.values())

    @property
    def goes_on(self) -> bool:
        """Tell whether a step of it goes on."""
        return any(each.goes_on for each in self.steps.values())


class LedgerFacts:
    """Answer what checks ask of the ledger, as it was known at a moment.

    Args:
        now: The moment.
        source: Has attempts and costs.
        watched: Pipelines that are looked at also where nothing of them ran of late.
    """

    def __init__(
        self, now: dt.datetime, source: AttemptSource, watched: Iterable[str] = ()
    ) -> None:
        self.now = now
        self._source = source
        self._watched = tuple(watched)
        self._attempts: dict[str, tuple[Attempt, ...]] = {}

    @cached_property
    def pipelines(self) -> tuple[str, ...]:
        """Return the pipelines that ran of late, and those that are watched, by name."""
        today = self.now.astimezone(dt.UTC).date()
        since = today - dt.timedelta(days=ACTIVE_DAYS)
        found = {*self._source.pipelines(since, today), *self._watched}
        return tuple(sorted(name for name in found if self.attempts(name)))

    def attempts(self, pipeline: str) -> tuple[Attempt, ...]:
        """Return a pipeline's attempts of the last 100 business dates, in order of their end."""
        if pipeline not in self._attempts:
            since = self.now.date() - dt.timedelta(days=HISTORY_DAYS)
            known = [
                each.as_known(self.now)
                for each in self._source.attempts(pipeline, since)
                if each.begun_at <= self.now
            ]
            self._attempts[pipeline] = tuple(sorted(known, key=_in_order))
        return self._attempts[pipeline]

    @cached_property
    def every_attempt(self) -> tuple[Attempt, ...]:
        """Return the attempts of all pipelines."""
        return tuple(each for name in self.pipelines for each in self.attempts(name))

    @cached_property
    def runs(self) -> Mapping[str, tuple[Run, ...]]:
        """Return the runs of each pipeline, the one that began first at the front."""
        return {name: _runs(self.attempts(name)) for name in self.pipelines}

    def step_runs(self) -> Iterable[StepRun]:
        """Yield each step of each run."""
        for runs in self.runs.values():
            for run in runs:
                yield from run.steps.values()

    def step_rows(self, pipeline: str) -> list[StepRow]:
        """Return a pipeline's attempts as forecasts read them."""
        return [each.as_step_row() for each in self.attempts(pipeline)]

    @cached_property
    def costs(self) -> Mapping[str, Mapping[dt.date, float]]:
        """Return what each pipeline cost on each whole day (UTC) so far, in USD."""
        today = self.now.astimezone(dt.UTC).date()
        since = today - dt.timedelta(days=HISTORY_DAYS)
        return self._source.costs(since, today - dt.timedelta(days=1))


def _runs(attempts: Sequence[Attempt]) -> tuple[Run, ...]:
    by_run: dict[tuple[str, dt.date], dict[str, list[Attempt]]] = defaultdict(dict)
    for each in attempts:
        by_run[each.run_id, each.business_date].setdefault(each.step, []).append(each)
    found = [
        Run(
            pipeline=next(iter(steps.values()))[0].pipeline,
            run_id=run_id,
            business_date=day,
            steps={
                step: StepRun(mine[0].pipeline, step, run_id, day, tuple(mine))
                for step, mine in steps.items()
            },
        )
        for (run_id, day), steps in by_run.items()
    ]
    return tuple(sorted(found, key=lambda run: run.begun_at))


def _ended(attempt: Attempt) -> dt.datetime:
    return attempt.ended_at or attempt.recorded_at


def _in_order(attempt: Attempt) -> tuple[dt.datetime, int, int, int]:
    """Return the order of attempts: of one part, by try and attempt; else by when they began."""
    return attempt.begun_at, attempt.try_number, attempt.attempt, attempt.shard
