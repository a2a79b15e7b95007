"""Facts that one makes up, for tests of checks: runs, datasets, figures, as a list of lines.

story = Story(now=MORNING)
story.day("morning_analytics", DAY, {"extract_web": {"outputs": {"web_orders": 1_000}}})
found = story.found_by(volume_off)
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from itertools import count
from typing import TYPE_CHECKING, Any

from stationmaster.monitor.facts.attempts import Attempt, Output, StepError
from stationmaster.monitor.facts.deliveries import Owed
from stationmaster.monitor.facts.facts import Facts
from stationmaster.monitor.facts.figures import FigureFacts
from stationmaster.monitor.facts.ledger import LedgerFacts
from stationmaster.monitor.facts.missing import FactsNotHereError
from stationmaster.monitor.facts.published import Copy, PublishedFacts
from stationmaster.monitor.lineagemaking import lineage_of
from stationmaster.monitor.monitoring import Monitoring
from stationmaster.step.jobfile import JobFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from stationmaster.monitor.checks.check import Check
    from stationmaster.monitor.checks.finding import Finding
    from stationmaster.monitor.facts.airflow import (
        AirflowPipeline,
        AirflowPool,
        AirflowRun,
        AirflowTask,
    )
    from stationmaster.monitor.monitoring import SourceExpectation

__all__ = ["FakeAirflow", "FakeShelf", "Story", "made_job"]


def made_job(name: str, *, inputs: Iterable[str] = (), outputs: Iterable[str] = ()) -> JobFile:
    """Return a job that reads and writes so."""
    return JobFile(
        name=name, summary="Made up.", owner="us", inputs=tuple(inputs), outputs=tuple(outputs)
    )


class FakeShelf:
    """Hold what readers find, by address; everything else is not there."""

    def __init__(self) -> None:
        self.copies: dict[str, Copy] = {}

    def put(self, uri: str, text: str) -> None:
        """Let readers find a text at an address."""
        self.copies[uri] = Copy(found=True, text=text, size=len(text))

    def look(self, uri: str) -> Copy:
        """Return what was put there."""
        return self.copies.get(uri, Copy(found=False, why="no such file"))


class FakeAirflow:
    """Say of Airflow what one has put into its fields."""

    def __init__(self) -> None:
        self.url = "https://airflow.example.com"
        self.known: list[AirflowPipeline] = []
        self.open_runs: list[AirflowRun] = []
        self.over: list[AirflowRun] = []
        self.open_tasks: list[AirflowTask] = []

    def parts(self) -> tuple[Any, ...]:
        """Return none."""
        return ()

    def pipelines(self) -> tuple[AirflowPipeline, ...]:
        """Return the known ones."""
        return tuple(self.known)

    def runs(self) -> tuple[AirflowRun, ...]:
        """Return the open ones."""
        return tuple(self.open_runs)

    def ended_runs(self, since: dt.datetime) -> tuple[AirflowRun, ...]:
        """Return those that ended since."""
        return tuple(each for each in self.over if each.ended_at is None or each.ended_at >= since)

    def tasks(self) -> tuple[AirflowTask, ...]:
        """Return the open ones."""
        return tuple(self.open_tasks)

    def pools(self) -> tuple[AirflowPool, ...]:
        """Return none."""
        return ()


class _Source:
    """Have the attempts and costs of a story."""

    def __init__(self) -> None:
        self.every: list[Attempt] = []
        self.usd: dict[str, dict[dt.date, float]] = defaultdict(dict)

    def pipelines(self, since: dt.date, until: dt.date) -> set[str]:
        """Return the pipelines of which something was recorded from day to day."""
        return {each.pipeline for each in self.every if since <= each.recorded_at.date() <= until}

    def attempts(self, pipeline: str, since: dt.date) -> list[Attempt]:
        """Return a pipeline's attempts."""
        return [
            each
            for each in self.every
            if each.pipeline == pipeline
            and max(each.business_date, each.recorded_at.date()) >= since
        ]

    def costs(self, since: dt.date, until: dt.date) -> Mapping[str, Mapping[dt.date, float]]:
        """Return costs by day."""
        return {
            name: mine
            for name, days in self.usd.items()
            if (mine := {day: usd for day, usd in days.items() if since <= day <= until})
        }


class _Deliveries:
    """Say what was told to be owed."""

    def __init__(self) -> None:
        self.owing: dict[tuple[str, dt.date], str] = {}

    def owed(self, source: str, expected: SourceExpectation, day: dt.date) -> Owed | None:
        """Return what is owed of a day."""
        del expected
        detail = self.owing.get((source, day))
        over = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), dt.UTC)
        return None if detail is None else Owed(str(day), over, detail)


class Story:
    """Tell what happened, line by line, and let checks look at it.

    Args:
        now: The moment of the look; may be set later.
        monitoring: What is expected.
        jobs: What is read and written.
    """

    def __init__(
        self,
        now: dt.datetime,
        monitoring: Monitoring | None = None,
        jobs: Sequence[JobFile] = (),
    ) -> None:
        self.now = now
        self.monitoring = monitoring or Monitoring()
        self.jobs = list(jobs)
        self.shelf = FakeShelf()
        self.airflow: FakeAirflow | None = None
        self.more: dict[str, Callable[[], Any]] = {}
        self._source = _Source()
        self._deliveries = _Deliveries()
        self._tries = count(1)

    def attempt(  # noqa: PLR0913 (what an attempt is)
        self,
        pipeline: str,
        step: str,
        day: dt.date,
        begun: dt.datetime,
        *,
        seconds: float | None = 60.0,
        outputs: Mapping[str, int | Output] | None = None,
        error: Mapping[str, str] | None = None,
        **fields: Any,  # noqa: ANN401 (any field of Attempt)
    ) -> Attempt:
        """Let a step have run; return its attempt.

        Args:
            pipeline: Whose.
            step: Its name.
            day: The business date.
            begun: When it was queued and started.
            seconds: How long it took; None: it goes on.
            outputs: Rows by dataset, or the whole output.
            error: Why it failed: fields of StepError.
            **fields: Of Attempt; `verdict` is succeeded, or step_failed with an error.
        """
        ended = None if seconds is None else begun + dt.timedelta(seconds=seconds)
        verdict = "step_failed" if error is not None else "succeeded"
        own: dict[str, Any] = {
            "run_id": f"scheduled__{day}",
            "try_id": f"try-{next(self._tries)}",
            "job": step.replace("_", "-"),
            "queued_at": begun,
            "started_at": begun,
            "finished_at": ended,
            "recorded_at": ended or begun,
            "verdict": None if ended is None else verdict,
            "wall_seconds": seconds,
            "outputs": tuple(_output(name, rows, day) for name, rows in (outputs or {}).items()),
            "error": None if error is None else StepError(**error),
            "sentence": "" if error is None else error.get("got", ""),
            "hint": "" if error is None else error.get("hint", ""),
        }
        made = Attempt(pipeline=pipeline, step=step, business_date=day, **own | fields)
        self._source.every.append(made)
        return made

    def cost(self, pipeline: str, day: dt.date, usd: float) -> None:
        """Let a pipeline's day (UTC) have cost so much."""
        self._source.usd[pipeline][day] = usd

    def owes(self, source: str, day: dt.date, detail: str = "no _SUCCESS") -> None:
        """Let a source not have delivered a day."""
        self._deliveries.owing[source, day] = detail

    def delivers(self, source: str, day: dt.date) -> None:
        """Let it have delivered after all."""
        self._deliveries.owing.pop((source, day), None)

    def facts(self) -> Facts:
        """Return the facts of now."""
        ledger = LedgerFacts(self.now, self._source, watched=self.monitoring.pipelines)
        return Facts(
            now=self.now,
            parts={
                "monitoring": lambda: self.monitoring,
                "ledger": lambda: ledger,
                "published": lambda: PublishedFacts(ledger.every_attempt, self.shelf),
                "figures": lambda: FigureFacts(ledger.every_attempt),
                "deliveries": lambda: self._deliveries,
                "lineage": lambda: lineage_of(
                    self.jobs,
                    ledger.every_attempt,
                    self.monitoring,
                    since=self.now - dt.timedelta(days=2),
                ),
                "airflow": self._airflow,
                **self.more,
            },
        )

    def found_by(self, check: Check) -> list[Finding]:
        """Return what a check finds now."""
        return list(check.look(self.facts()))

    def _airflow(self) -> FakeAirflow:
        if self.airflow is None:
            message = "no Airflow in this story"
            raise FactsNotHereError(message)
        return self.airflow


def _output(name: str, rows: int | Output, day: dt.date) -> Output:
    return rows if isinstance(rows, Output) else Output(name, day, rows)
