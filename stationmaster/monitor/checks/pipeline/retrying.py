"""Steps that need too many tries, though they get there."""

from __future__ import annotations

import datetime as dt
from statistics import median
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.checks.check import check
from stationmaster.monitor.checks.finding import Finding, Layer, Severity
from stationmaster.monitor.checks.pipeline.running import ON_PURPOSE, RETRY_WAIT
from stationmaster.monitor.checks.saying import owner_of, run_links, sentence
from stationmaster.monitor.lineage import step_subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stationmaster.monitor.facts.facts import Facts
    from stationmaster.monitor.facts.ledger import StepRun

__all__ = ["step_retrying"]

INFRASTRUCTURE: Final = frozenset(
    {"evicted", "preempted", "node_lost", "drained", "pod_deleted", "start_failed"}
)
"""Ends that are not the step's fault: infrastructure's checks tell of them."""

MANY_TRIES: Final = 4
OFTEN_RUNS: Final = 5
ELSE_SELDOM: Final = 0.2


@check("step-retrying", layer=Layer.PIPELINE, severity=Severity.WARNING, owner="platform")
def step_retrying(facts: Facts) -> Iterator[Finding]:
    """A step needs more tries than it used to."""
    for pipeline, runs in facts.ledger.runs.items():
        for step in sorted({step for run in runs[-OFTEN_RUNS:] for step in run.steps}):
            mine = [run.steps[step] for run in runs if step in run.steps]
            found = _too_many(mine)
            if found is None or facts.now - mine[-1].begun_at > dt.timedelta(days=2):
                continue
            last = found[-1]
            why = next((each for each in reversed(last.attempts) if each.has_failed), None)
            told = sentence((why.sentence if why else "") or "its verdicts say why")
            hint = sentence(why.hint if why and why.hint else "Read the log of a failed try.")
            more = sum(_retries(each) for each in found)
            yield step_retrying.finding(
                step_subject(pipeline, step),
                owner=owner_of(facts, pipeline=pipeline),
                what=f"{step} needed {more} more tries in its last {len(found)} runs. Last: {told}",
                next_action=f"{hint} Nothing is lost yet, the last run went well in the end: "
                f"`stationmaster ledger show --pipeline {pipeline} --step {step}` shows each try.",
                since=found[0].begun_at,
                pipeline=pipeline,
                run_id=last.run_id,
                step=step,
                links=run_links(facts, pipeline, last.run_id, step),
                evidence={"retries": [_retries(each) for each in found]},
            )


def _retries(mine: StepRun) -> int:
    """Return how many attempts of a step failed by its own fault, since somebody cleared it."""
    ended: dt.datetime | None = None
    count = 0
    for each in mine.attempts:
        if each.shard != mine.attempts[0].shard:
            continue
        if ended is not None and each.begun_at - ended > RETRY_WAIT:
            count = 0  # it had failed for good, and was told
        count += each.verdict not in INFRASTRUCTURE | ON_PURPOSE and each.has_failed
        ended = each.ended_at
    return count


def _too_many(mine: Sequence[StepRun]) -> list[StepRun] | None:
    """Return the runs in which a step needed too many tries, None where it did not."""
    if mine and _retries(mine[-1]) >= MANY_TRIES and not mine[-1].failed:
        return [mine[-1]]
    last, before = mine[-OFTEN_RUNS:], mine[:-OFTEN_RUNS]
    if len(before) < OFTEN_RUNS or sum(_retries(each) > 0 for each in last) < OFTEN_RUNS - 1:
        return None
    often = [float(_retries(each) > 0) for each in before]
    return list(last) if median(often) == 0 and sum(often) / len(often) < ELSE_SELDOM else None
