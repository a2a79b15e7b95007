"""Which business dates are due, and whether anybody asked for them.

What runs late is late; what nobody asked for is not. Old days that are caught up were late before
their run was made, a paused pipeline owes nothing, and a laptop that was off missed nothing.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from stationmaster.monitor.checks.finding import Subject, SubjectKind
from stationmaster.monitor.facts.missing import FactsNotHereError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from zoneinfo import ZoneInfo

    from stationmaster.monitor.facts.airflow import AirflowFacts, AirflowRun
    from stationmaster.monitor.facts.facts import Facts
    from stationmaster.monitor.facts.ledger import Run, StepRun
    from stationmaster.monitor.monitoring import Due, PipelineExpectation

__all__ = [
    "DueDay",
    "airflow_or_none",
    "done_at",
    "done_without",
    "due_days",
    "overdue",
    "pipelines_after",
    "pipelines_making",
    "runs_of_day",
    "usual_steps",
    "was_asked_for",
]

LOOK_BACK_DAYS: Final = 7
"""What is later than that, nobody waits for by an alert."""

GRACE: Final = dt.timedelta(minutes=5)
"""A scheduler makes its runs within minutes."""

OWED: Final = dt.timedelta(days=LOOK_BACK_DAYS + 1)
"""A run that has been owed for longer is one of a past that is caught up: today's comes later."""

TOGETHER: Final = dt.timedelta(hours=1)
"""Runs of several days that were asked for so near to each other catch up."""

USUAL_RUNS: Final = 10

FRESH: Final = dt.timedelta(days=1)
"""What was done longer ago has been told of."""


class DueDay(NamedTuple):
    """Hold a business date, and when it was due."""

    business_date: dt.date
    due_at: dt.datetime


def due_days(facts: Facts, expected: Due) -> list[DueDay]:
    """Return the business dates of the last week that are due by now, oldest first."""
    zone = facts.monitoring.clock
    today = facts.now.astimezone(zone).date()
    found = []
    for back in range(LOOK_BACK_DAYS + expected.days_later, -1, -1):
        day = today - dt.timedelta(days=back)
        due_at = expected.due_at(day, zone)
        known = facts.monitoring.kind_of_day(day) == "no-data"
        if due_at is not None and due_at <= facts.now and not known:
            found.append(DueDay(day, due_at))
    return found[-LOOK_BACK_DAYS:]


def overdue(facts: Facts, expected: Due, pipelines: Iterable[str]) -> Iterator[DueDay]:
    """Yield the due days that one of the pipelines was asked for."""
    makers = tuple(pipelines)
    for day in due_days(facts, expected):
        if any(was_asked_for(facts, name, day) for name in makers):
            yield day


def was_asked_for(facts: Facts, pipeline: str, day: DueDay) -> bool:
    """Tell whether a pipeline's run of a day should have been done by then.

    It was asked for before it was due; or nothing pauses the pipeline, something runs all the time
    here, and its run came too late or is still owed by the scheduler.
    """
    begun = [run.begun_at for run in runs_of_day(facts, pipeline, day.business_date)]
    if any(moment <= day.due_at for moment in begun):
        return True
    airflow = airflow_or_none(facts)
    if airflow is None:
        return False
    zone = facts.monitoring.clock
    runs = [each for each in _runs_of(airflow, pipeline, facts.now) if each.queued_at]
    mine = [each for each in runs if _date_of(each, zone) == day.business_date]
    begun += [each.queued_at for each in mine if each.queued_at is not None]
    if any(moment <= day.due_at for moment in begun):
        return True
    state = next((each for each in airflow.pipelines() if each.name == pipeline), None)
    if state is None or state.paused or not facts.monitoring.always_on:
        return False
    if begun:
        return not _catches_up(runs, min(begun), day.business_date, zone)
    owed = state.next_run_after or facts.now
    is_owed = GRACE <= facts.now - owed <= OWED
    return is_owed and _day_before(owed, zone) <= day.business_date


def runs_of_day(facts: Facts, pipeline: str, day: dt.date) -> list[Run]:
    """Return a pipeline's runs of a business date, as the ledger has seen them."""
    return facts.ledger.runs_of_day(pipeline, day)


def done_at(
    facts: Facts, pipeline: str, expected: PipelineExpectation, day: dt.date
) -> dt.datetime | None:
    """Return when a pipeline's day was done for the first time, None where it is not."""
    if expected.done_when:
        firsts = []
        for name in expected.done_when:
            history = facts.published.history.get(name, ())
            first = next((each.at for each in history if each.business_date == day), None)
            if first is None:
                return None
            firsts.append(first)
        return max(firsts)
    ends = {
        step: mine.ended_at
        for run in runs_of_day(facts, pipeline, day)
        for step, mine in run.steps.items()
        if mine.is_done and mine.ended_at
    }
    usual = usual_steps(facts, pipeline)
    return max(ends.values()) if ends and usual <= ends.keys() else None


def done_without(facts: Facts, name: str) -> Iterator[StepRun]:
    """Yield the steps that make a report or dataset, were done of late, and did not publish it.

    A step writes all of its outputs, every time; only the newest day of each is asked, since what
    nobody mended for a day was told.
    """
    for kind in (SubjectKind.REPORT, SubjectKind.DATASET):
        for step in facts.lineage.causes.get(Subject(kind, name), frozenset()):
            if step.kind is not SubjectKind.STEP:
                continue
            pipeline, _, short = step.name.partition("/")
            runs = [run for run in facts.ledger.runs.get(pipeline, ()) if short in run.steps]
            if not runs or not facts.published.history.get(name):
                continue
            mine = max(runs, key=lambda run: (run.business_date, run.begun_at)).steps[short]
            of_late = mine.ended_at is not None and facts.now - mine.ended_at <= FRESH
            published = facts.published.last(name, mine.business_date) is not None
            if mine.is_done and of_late and not published:
                yield mine


def usual_steps(facts: Facts, pipeline: str) -> set[str]:
    """Return the steps that most of the last ten runs had."""
    last = facts.ledger.runs.get(pipeline, ())[-USUAL_RUNS:]
    counted = Counter(step for run in last for step in run.steps)
    return {step for step, number in counted.items() if 2 * number > len(last)}


def pipelines_making(facts: Facts, subject: Subject) -> tuple[str, ...]:
    """Return the pipelines whose steps write a dataset or report."""
    causes = facts.lineage.causes.get(subject, frozenset())
    return _pipelines(facts, (each for each in causes if each.kind is SubjectKind.STEP))


def pipelines_after(facts: Facts, source: str) -> tuple[str, ...]:
    """Return the pipelines with a step that reads a source."""
    subject = Subject(SubjectKind.SOURCE, source)
    steps = (effect for effect, causes in facts.lineage.causes.items() if subject in causes)
    return _pipelines(facts, (each for each in steps if each.kind is SubjectKind.STEP))


def airflow_or_none(facts: Facts) -> AirflowFacts | None:
    """Return what Airflow says, None where nobody has named one."""
    try:
        airflow: AirflowFacts = facts.part("airflow")
        airflow.pipelines()
    except FactsNotHereError:
        return None
    return airflow


def _pipelines(facts: Facts, steps: Iterable[Subject]) -> tuple[str, ...]:
    """Return the pipelines of steps; those that are expected where no step has run yet."""
    found = {each.name.partition("/")[0] for each in steps}
    return tuple(sorted(found)) or tuple(facts.monitoring.pipelines)


def _runs_of(airflow: AirflowFacts, pipeline: str, now: dt.datetime) -> list[AirflowRun]:
    since = now - dt.timedelta(days=LOOK_BACK_DAYS + 1)
    every = (*airflow.runs(), *airflow.ended_runs(since))
    return [each for each in every if each.pipeline == pipeline]


def _date_of(run: AirflowRun, zone: ZoneInfo) -> dt.date:
    """Return the business date of a run: the day before it, on the business clock."""
    return _day_before(run.interval_end or run.run_after, zone)


def _day_before(moment: dt.datetime, zone: ZoneInfo) -> dt.date:
    return moment.astimezone(zone).date() - dt.timedelta(days=1)


def _catches_up(
    runs: Iterable[AirflowRun], asked: dt.datetime, day: dt.date, zone: ZoneInfo
) -> bool:
    """Tell whether a run was asked for together with those of other days."""
    return any(
        abs(each.queued_at - asked) <= TOGETHER and _date_of(each, zone) != day
        for each in runs
        if each.queued_at is not None
    )
