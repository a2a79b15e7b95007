"""Steps that hang, fail, are left out, or need too many tries."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.checks.check import check
from stationmaster.monitor.checks.finding import Finding, Layer, Severity
from stationmaster.monitor.checks.saying import (
    day_text,
    duration,
    owner_of,
    run_links,
    sentence,
)
from stationmaster.monitor.lineage import step_subject
from stationmaster.monitor.monitoringdays import USUAL_RUNS, airflow_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stationmaster.monitor.facts.airflow import AirflowFacts
    from stationmaster.monitor.facts.attempts import Attempt
    from stationmaster.monitor.facts.facts import Facts
    from stationmaster.monitor.facts.ledger import Run, StepRun

__all__ = [
    "FORGOTTEN_DAYS",
    "ON_PURPOSE",
    "RETRY_WAIT",
    "last_words",
    "run_stuck",
    "step_failed",
    "step_skipped",
]

LEAST_STUCK: Final = dt.timedelta(minutes=30)
STUCK_TIMES: Final = 4.0
"""A step that takes so many times as long as it ever did does not come back by itself."""

UNKNOWN_STUCK: Final = dt.timedelta(hours=3)
"""How long a step may take that has no past."""

FORGOTTEN_DAYS: Final = 7
"""A failure that nobody mended for so long is no news."""

RETRY_WAIT: Final = dt.timedelta(minutes=25)
"""The longest pause before Airflow tries again (20 minutes), and some."""

RECORDED_AFTER: Final = dt.timedelta(minutes=3)
"""By then the ledger has what a run did that Airflow has ended."""

FINAL: Final = frozenset({"contract_broken", "config_error", "image_unavailable"})
"""Ends after which nobody tries again."""

ON_PURPOSE: Final = frozenset({"killed_by_user", "stopped", "succeeded", None})
TOLD_ELSEWHERE: Final = frozenset({"contract_broken"})
"""What a check of its own tells."""

TRIES_AGAIN: Final = re.compile(
    r":? ?\b(it is tried|the step tries) again( later| with more memory)?"
    r"(; if it stays so,|[;.])?",
    re.IGNORECASE,
)
"""What a step says that does not know whether a try is left: of one that has failed it is wrong."""

OFTEN_RUNS: Final = 5
"""With fewer runs behind it, what a pipeline always does is not known."""


@check(
    "run-stuck",
    layer=Layer.PIPELINE,
    severity=Severity.WARNING,
    owner="platform",
    clear_after=dt.timedelta(minutes=5),
)
def run_stuck(facts: Facts) -> Iterator[Finding]:
    """A step goes on for far longer than it ever took."""
    for mine in facts.ledger.step_runs():
        for each in mine.last_of_parts if mine.goes_on else ():
            if each.verdict is not None or each.started_at is None:
                continue
            longest = _longest(facts, mine)
            bound = UNKNOWN_STUCK if longest is None else max(LEAST_STUCK, STUCK_TIMES * longest)
            if facts.now - each.started_at < bound:
                continue
            usual = "it has no past" if longest is None else f"it never took {duration(longest)}"
            yield run_stuck.finding(
                step_subject(mine.pipeline, mine.step),
                owner=owner_of(facts, pipeline=mine.pipeline),
                what=f"{mine.step} has been running for {duration(facts.now - each.started_at)}; "
                f"{usual.replace('never took', 'never took more than')}.",
                next_action="Read the end of its log; if nothing comes, clear the task: it begins "
                "anew and nothing is done twice.",
                since=each.started_at + bound,
                business_date=mine.business_date,
                pipeline=mine.pipeline,
                run_id=mine.run_id,
                step=mine.step,
                links=run_links(facts, mine.pipeline, mine.run_id, mine.step),
                evidence={"running_seconds": (facts.now - each.started_at).total_seconds()},
            )
            break


@check(
    "step-failed",
    layer=Layer.PIPELINE,
    severity=Severity.WARNING,
    owner="platform",
)
def step_failed(facts: Facts) -> Iterator[Finding]:
    """A step has failed, and nothing tries it again."""
    since = facts.now - dt.timedelta(days=FORGOTTEN_DAYS)
    airflow = None
    for mine in last_words(facts):
        failed = mine.failed
        if failed is None or failed.verdict in ON_PURPOSE | TOLD_ELSEWHERE:
            continue
        ended = failed.ended_at or failed.recorded_at
        if ended < since:
            continue
        if failed.verdict not in FINAL and facts.now - ended < RETRY_WAIT:
            airflow = airflow or airflow_or_none(facts)
            if _is_tried_again(airflow, mine):
                continue
        yield step_failed.finding(
            step_subject(mine.pipeline, mine.step),
            severity=_severity(facts, mine),
            owner=owner_of(facts, pipeline=mine.pipeline),
            what=_what(mine, failed),
            next_action=_action(failed),
            since=ended,
            business_date=mine.business_date,
            pipeline=mine.pipeline,
            run_id=mine.run_id,
            step=mine.step,
            links=run_links(facts, mine.pipeline, mine.run_id, mine.step),
            expected=failed.error.expected if failed.error else "",
            got=failed.error.got if failed.error else "",
            evidence={"verdict": failed.verdict or "", "attempts": len(mine.attempts)},
        )


@check("step-skipped", layer=Layer.PIPELINE, severity=Severity.WARNING, owner="platform")
def step_skipped(facts: Facts) -> Iterator[Finding]:
    """A run is over, and a step that always runs was left out."""
    for pipeline, runs in facts.ledger.runs.items():
        if len(runs) <= OFTEN_RUNS:
            continue
        newest = max(runs, key=lambda run: (run.business_date, run.begun_at))
        over = _over_at(newest)
        if over is None:
            continue
        told_over = _is_over_in_airflow(facts, newest)
        if not told_over and facts.now - over < RETRY_WAIT:
            continue
        earlier = [run for run in runs if run.run_id != newest.run_id][-USUAL_RUNS:]
        always = set.intersection(*(set(run.steps) for run in earlier)) - _steps_of_day(
            runs, newest.business_date
        )
        is_over = told_over or bool(_last_steps(earlier) & set(newest.steps))
        for step in sorted(always) if is_over else ():
            yield step_skipped.finding(
                step_subject(pipeline, step),
                owner=owner_of(facts, pipeline=pipeline),
                what=f"{step} was skipped for {day_text(newest.business_date)}: the run is over, "
                f"and it ran in each of the {len(earlier)} runs before.",
                next_action=f"Clear {step} in Airflow, so that it runs; if it is skipped again, "
                "see which task before it says so (a branch, a short circuit).",
                since=over,
                business_date=newest.business_date,
                affected=facts.lineage.affected(step_subject(pipeline, step)).readers,
                pipeline=pipeline,
                run_id=newest.run_id,
                step=step,
                links=run_links(facts, pipeline, newest.run_id, step),
            )


def last_words(facts: Facts) -> Iterator[StepRun]:
    """Yield each step of each day once: as its last run left it."""
    last: dict[tuple[str, str, dt.date], StepRun] = {}
    for mine in facts.ledger.step_runs():
        key = (mine.pipeline, mine.step, mine.business_date)
        if key not in last or not last[key].is_done:
            last[key] = mine
    yield from last.values()


def _severity(facts: Facts, mine: StepRun) -> Severity:
    """Wake somebody only for today's run of something urgent."""
    expected = facts.monitoring.pipelines.get(mine.pipeline)
    if expected is None or not expected.urgent:
        return Severity.WARNING
    due_at = expected.due_at(mine.business_date, facts.monitoring.clock)
    today = due_at is not None and mine.begun_at <= due_at + dt.timedelta(days=1)
    return Severity.CRITICAL if today else Severity.WARNING


def _what(mine: StepRun, failed: Attempt) -> str:
    told = sentence(failed.sentence or f"it ended as {failed.verdict}")
    tries = f" after {len(mine.attempts)} attempts" if len(mine.attempts) > 1 else ""
    told = told.removeprefix(f"{failed.job}: ")
    return f"{mine.step} failed for {day_text(mine.business_date)}{tries}: {told}"


def _is_tried_again(airflow: AirflowFacts | None, mine: StepRun) -> bool:
    """Tell whether a try is still to come; without Airflow's word: as if one were."""
    if airflow is None:
        return True
    return any(
        (each.pipeline, each.run_id, each.step) == (mine.pipeline, mine.run_id, mine.step)
        for each in airflow.tasks()
    )


def _longest(facts: Facts, mine: StepRun) -> dt.timedelta | None:
    """Return the longest that a step ever took in the ledger, None where it has no past."""
    spans = [
        each.finished_at - each.started_at
        for run in facts.ledger.runs.get(mine.pipeline, ())
        if run.run_id != mine.run_id and mine.step in run.steps
        for each in run.steps[mine.step].attempts
        if each.is_done and each.finished_at and each.started_at
    ]
    return max(spans, default=None)


def _over_at(run: Run) -> dt.datetime | None:
    """Return when a run's last step was done; None: something goes on, or has failed."""
    if any(not mine.is_done for mine in run.steps.values()):
        return None
    ends = [mine.ended_at for mine in run.steps.values()]
    return max(end for end in ends if end is not None)


def _is_over_in_airflow(facts: Facts, run: Run) -> bool:
    """Tell whether Airflow has ended a run, so long ago that the ledger has all of it."""
    airflow = airflow_or_none(facts)
    if airflow is None:
        return False
    since = facts.now - dt.timedelta(days=1)
    return any(
        (each.pipeline, each.run_id) == (run.pipeline, run.run_id)
        and each.ended_at is not None
        and facts.now - each.ended_at >= RECORDED_AFTER
        for each in airflow.ended_runs(since)
    )


def _steps_of_day(runs: Sequence[Run], day: dt.date) -> set[str]:
    return {step for run in runs if run.business_date == day for step in run.steps}


def _last_steps(runs: Sequence[Run]) -> set[str]:
    """Return the steps that ended last in runs of the past: what follows them is not known."""
    whole = [run for run in runs if _over_at(run) is not None]
    return {
        max(run.steps.values(), key=lambda mine: mine.ended_at or mine.begun_at).step
        for run in whole
    }


def _action(failed: Attempt) -> str:
    """Return what to do about a step that nothing tries again, whatever it says of later tries."""
    if failed.verdict == "out_of_memory":
        return (
            f"Give {failed.job or failed.step} a bigger size in its job.yaml, or let "
            f"STATIONMASTER_SIZING=apply do it; then clear {failed.step}."
        )
    told = TRIES_AGAIN.sub(". ", failed.hint).strip(". ")
    hint = sentence(f"{told[:1].upper()}{told[1:]}" or "Read the end of its log")
    if "clear" in hint.lower():
        return hint
    return f"{hint} No try is left: when it is mended, clear {failed.step}."
