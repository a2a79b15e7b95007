"""The life of a step: its shards' attempts side by side, from the first pod to the step's end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from stationmaster.airflow.life.beginning import seconds_left, until_listed
from stationmaster.airflow.life.findings import Finding, Verdict
from stationmaster.airflow.life.places import Places
from stationmaster.airflow.life.plan import PodRef, StepEnd
from stationmaster.airflow.life.platform import Platform
from stationmaster.airflow.life.releasing import let_go
from stationmaster.airflow.life.shardlife import ShardEnd, ShardLife
from stationmaster.airflow.life.stopping import StopSignal
from stationmaster.airflow.results import unpublished

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stationmaster.airflow.life.plan import StepPlan

__all__ = ["Platform", "PodRef", "StepEnd", "live", "release"]

Task = asyncio.Task[ShardEnd]

FORCED: Final = frozenset({Verdict.KILLED_BY_USER})
"""Reasons that stand whatever the pods did meanwhile: Airflow has taken the task away."""


async def live(plan: StepPlan, platform: Platform, stop: StopSignal) -> StepEnd:
    """Live a try of a step to its end, wherever it stands: nothing started, running or over.

    Creates or adopts the pods, judges them, starts further attempts within the budgets. May be
    called again, and by two processes at once: the outcome is the same. Cancellation leaves the
    pods alone; a reason in `stop` deletes them and waits until they ended.

    Args:
        plan: The try.
        platform: Where it runs.
        stop: Asks to end it: KILLED_BY_USER gives the step's own reason up, and a step that was
            done in that moment is not. A timeout comes from the plan by itself.
    """
    if (refused := await until_listed(plan, platform, stop)) is not None:
        return StepEnd(verdict=refused.verdict, finding=refused, attempts=0)
    inner, places = StopSignal(), Places(plan.shards_at_once or plan.shards)
    # All of them first: what runs already keeps its place before others get one.
    lives = [
        ShardLife(plan, shard, platform, stop=inner, places=places) for shard in range(plan.shards)
    ]
    _tell_bound(plan, platform)
    tasks = [asyncio.create_task(life.to_end()) for life in lives]
    try:
        with stop.waking(wake := asyncio.Event()):
            await _until_all_ended(plan, tasks, (stop, inner), wake)
    finally:
        # On cancellation: who watches goes, the pods stay.
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return _end(plan, [task.result() for task in tasks], inner.reason)


async def release(plan: StepPlan, end: StepEnd, platform: Platform) -> None:
    """Let the pods of an end go, after that end is persisted.

    What cannot be reached is left to the reaper.
    """
    await asyncio.gather(*(let_go(pod, plan, platform) for pod in end.pods))


def _tell_bound(plan: StepPlan, platform: Platform) -> None:
    if plan.shards_at_once is not None and plan.shards_at_once < plan.shards:
        platform.say(
            f"{plan.context.job} has {plan.shards} shards, of which {plan.shards_at_once} run at "
            "once (shards_at_once=, or what its pool holds)."
        )


async def _until_all_ended(
    plan: StepPlan,
    tasks: Sequence[Task],
    stops: tuple[StopSignal, StopSignal],
    wake: asyncio.Event,
) -> None:
    """Wait for the shards; hand on a stop, the end of the time, and one shard's failure."""
    stop, inner = stops
    for task in tasks:
        task.add_done_callback(lambda _: wake.set())
    while True:
        wake.clear()
        if stop.reason is not None:
            inner.set(stop.reason)
        ended = [task for task in tasks if task.done()]
        if any(task.result().finding.verdict is not Verdict.SUCCEEDED for task in ended):
            inner.set(Verdict.STOPPED)
        if len(ended) == len(tasks):
            return
        left = seconds_left(plan) if inner.reason is None else None
        if left is not None and left <= 0:
            inner.set(Verdict.TIMED_OUT)
            left = None
        try:
            async with asyncio.timeout(left):
                await wake.wait()
        except TimeoutError:
            continue


def _end(plan: StepPlan, ends: Sequence[ShardEnd], stopped: Verdict | None) -> StepEnd:
    """Return the step's end: that of the shard that failed by itself, if one did."""
    results = tuple(each.finding.result for each in ends if each.finding.result is not None)
    deciding = _deciding(ends)
    if deciding is None and stopped in FORCED:
        deciding = Finding(
            verdict=stopped,
            sentence=f"{plan.context.job} was done when its task was taken away in Airflow.",
            hint="What it published stands; clear the task to run it again.",
        )
    if deciding is None and (waiting := unpublished(results)):
        deciding = Finding(
            verdict=Verdict.STEP_FAILED,
            exit_code=0,
            sentence=f"{plan.context.job} is not done: all {plan.shards} shards ended, and none "
            f"published {', '.join(waiting)}. Readers still see what was there before.",
            hint="Clear the task.",
        )
    return StepEnd(
        verdict=Verdict.SUCCEEDED if deciding is None else deciding.verdict,
        results=results,
        finding=deciding,
        attempts=max(each.attempt for each in ends),
        pods=tuple(pod for each in ends for pod in each.pods),
    )


def _deciding(ends: Sequence[ShardEnd]) -> Finding | None:
    failed = [each.finding for each in ends if each.finding.verdict is not Verdict.SUCCEEDED]
    # The others were stopped because of the one that failed by itself.
    own = [each for each in failed if each.verdict is not Verdict.STOPPED]
    return next(iter([*own, *failed]), None)
