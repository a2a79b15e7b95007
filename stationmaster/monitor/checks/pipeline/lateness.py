"""Runs that are late, or will be."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.checks.check import check
from stationmaster.monitor.checks.finding import Finding, Layer, Severity, Subject, SubjectKind
from stationmaster.monitor.checks.saying import (
    clock,
    day_text,
    duration,
    listed,
    owner_of,
    run_links,
    sentence,
)
from stationmaster.monitor.monitoringdays import done_at, done_without, overdue, runs_of_day
from stationmaster.monitor.series.runrows import run_chance, runs_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stationmaster.monitor.facts.facts import Facts
    from stationmaster.monitor.monitoring import PipelineExpectation

__all__ = ["CHANCE", "deadline_at_risk", "run_late"]

CHANCE: Final = 0.6
"""Less likely than that, most runs that are told would still be on time."""


@check("run-late", layer=Layer.PIPELINE, severity=Severity.CRITICAL, owner="platform")
def run_late(facts: Facts) -> Iterator[Finding]:
    """A pipeline's day is not done by the time its readers expect it."""
    for name, expected in facts.monitoring.pipelines.items():
        for day in overdue(facts, expected, [name]):
            if done_at(facts, name, expected, day.business_date) is not None:
                continue
            if _is_told_of_its_product(facts, expected, day.business_date):
                continue
            product = expected.product or f"day of {name}"
            run_id, step, doing, action = _in_the_way(facts, name, day.business_date)
            yield run_late.finding(
                Subject(SubjectKind.PIPELINE, name),
                severity=Severity.CRITICAL if expected.urgent else Severity.WARNING,
                owner=owner_of(facts, pipeline=name),
                what=f"The {product} of {day_text(day.business_date)} is not up; it was due at "
                f"{clock(facts, day.due_at)}. {doing}",
                next_action=action,
                since=day.due_at,
                business_date=day.business_date,
                affected=expected.readers,
                pipeline=name,
                run_id=run_id,
                step=step,
                links=run_links(facts, name, run_id, step),
                expected=f"done by {clock(facts, day.due_at)}",
                got=f"late by {duration(facts.now - day.due_at)}",
            )


@check(
    "deadline-at-risk",
    layer=Layer.PIPELINE,
    severity=Severity.WARNING,
    owner="platform",
    hold=dt.timedelta(minutes=2),
    clear_after=dt.timedelta(minutes=5),
)
def deadline_at_risk(facts: Facts) -> Iterator[Finding]:
    """A run that goes will probably not be done in time."""
    for name, expected in facts.monitoring.pipelines.items():
        for run in facts.ledger.runs.get(name, ()):
            due_at = expected.due_at(run.business_date, facts.monitoring.clock)
            if due_at is None or not run.begun_at <= facts.now < due_at:
                continue
            if done_at(facts, name, expected, run.business_date) is not None:
                continue
            yield from _at_risk(facts, name, expected, run.run_id, run.business_date, due_at)


def _at_risk(  # noqa: PLR0913, PLR0917 (what a run is)
    facts: Facts,
    name: str,
    expected: PipelineExpectation,
    run_id: str,
    day: dt.date,
    due_at: dt.datetime,
) -> Iterator[Finding]:
    runs = runs_of(facts.ledger.step_rows(name))
    told, finish = run_chance(runs, run_id, now=facts.now, deadline=due_at)
    if told.chance is None or told.chance < CHANCE or finish is None:
        return
    slowest = told.critical[0][0] if told.critical else ""
    product = expected.product or f"day of {name}"
    yield deadline_at_risk.finding(
        Subject(SubjectKind.PIPELINE, name),
        severity=Severity.CRITICAL if expected.urgent else Severity.WARNING,
        owner=owner_of(facts, pipeline=name),
        what=f"The {product} of {day_text(day)} is due at {clock(facts, due_at)} and will "
        f"probably be up at {clock(facts, finish)}: {told.chance:.0%} to miss it, by {told.runs} "
        "runs before.",
        next_action=f"Read the log of {slowest or 'its steps'}: the rest of the run hangs on it; "
        f"if it cannot be hurried, tell {listed(expected.readers) or 'its readers'} when it comes.",
        since=facts.now,
        business_date=day,
        affected=expected.readers,
        pipeline=name,
        run_id=run_id,
        step=slowest,
        links=run_links(facts, name, run_id, slowest),
        expected=f"done by {clock(facts, due_at)}",
        got=f"done about {clock(facts, finish)}",
        foretold=True,
        evidence={"chance_to_miss": told.chance, "past_runs": told.runs},
    )


def _is_told_of_its_product(facts: Facts, expected: PipelineExpectation, day: dt.date) -> bool:
    """Tell whether the run is not late, but a step of it has not written its report."""
    missing = [name for name in expected.done_when if facts.published.last(name, day) is None]
    return bool(missing) and all(
        name in facts.monitoring.reports
        and any(mine.business_date == day for mine in done_without(facts, name))
        for name in missing
    )


def _in_the_way(facts: Facts, pipeline: str, day: dt.date) -> tuple[str, str, str, str]:
    """Return run, step, what stands in the way, and what to do about it."""
    runs = runs_of_day(facts, pipeline, day)
    if not runs:
        return (
            "",
            "",
            "No step of its run has begun.",
            (
                f"Open {pipeline} in Airflow: look whether its run of {day} was made, and what its "
                "first task waits for."
            ),
        )
    run = runs[-1]
    for mine in run.steps.values():
        failed = mine.failed
        if failed is not None:
            why = sentence(failed.sentence or f"{mine.step} ended as {failed.verdict}")
            hint = failed.hint or "Read its log, mend it, and clear the task."
            return run.run_id, mine.step, f"{mine.step} failed: {why}", hint
    going = [mine.step for mine in run.steps.values() if mine.goes_on]
    if going:
        return (
            run.run_id,
            going[0],
            f"Still going: {listed(going)}.",
            (
                f"Look at the log of {going[0]}; `stationmaster forecast deadline {pipeline}` "
                "says when it ends."
            ),
        )
    last = max(run.steps.values(), key=lambda mine: mine.ended_at or mine.begun_at)
    return (
        run.run_id,
        last.step,
        f"{last.step} was done last; nothing of it goes on.",
        (f"Open the run in Airflow: see what the task after {last.step} waits for."),
    )
