"""Attempts as runs: each step of a run with all of its tries, attempts and parts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from stationmaster.monitor.facts.attempts import Attempt

__all__ = ["Run", "StepRun", "made_runs"]


@dataclass(frozen=True)
class StepRun:
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

    @cached_property
    def last_of_parts(self) -> tuple[Attempt, ...]:
        """Return the last attempt of each of its parts."""
        return tuple({each.part: each for each in self.attempts}.values())

    @cached_property
    def begun_at(self) -> dt.datetime:
        """Return when its first attempt began."""
        return min(each.begun_at for each in self.attempts)

    @cached_property
    def is_done(self) -> bool:
        """Tell whether all of its parts did their work."""
        return all(each.is_done for each in self.last_of_parts)

    @cached_property
    def goes_on(self) -> bool:
        """Tell whether an attempt of it has not ended."""
        return any(each.verdict is None for each in self.last_of_parts)

    @cached_property
    def failed(self) -> Attempt | None:
        """Return the attempt that it failed by, None where it goes on or is done.

        What was stopped since another part had failed is not why.
        """
        if self.goes_on:
            return None
        bad = [each for each in self.last_of_parts if each.has_failed]
        return max(bad, key=lambda each: (each.verdict != "stopped", _ended(each)), default=None)

    @cached_property
    def ended_at(self) -> dt.datetime | None:
        """Return when its last part ended; None: it goes on."""
        if self.goes_on:
            return None
        return max(_ended(each) for each in self.last_of_parts)


@dataclass(frozen=True)
class Run:
    """Hold one run of a pipeline, as far as the ledger has seen it."""

    pipeline: str
    run_id: str
    business_date: dt.date
    steps: Mapping[str, StepRun]

    @cached_property
    def begun_at(self) -> dt.datetime:
        """Return when its first step began."""
        return min(each.begun_at for each in self.steps.values())

    @cached_property
    def goes_on(self) -> bool:
        """Tell whether a step of it goes on."""
        return any(each.goes_on for each in self.steps.values())


def made_runs(attempts: Sequence[Attempt]) -> tuple[Run, ...]:
    """Return the runs of one pipeline's attempts, the one that began first at the front."""
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
