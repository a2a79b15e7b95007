"""Before a step's first pod: wait until its namespace is seen, within the step's own limits."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Final

from stationmaster.airflow.life.apierrors import ClusterUnreachableError
from stationmaster.airflow.life.belonging import claim
from stationmaster.airflow.life.findings import Finding, Verdict

if TYPE_CHECKING:
    from stationmaster.airflow.life.plan import StepPlan
    from stationmaster.airflow.life.platform import Platform
    from stationmaster.airflow.life.stopping import StopSignal

__all__ = ["seconds_left", "until_listed"]

LOOK_SECONDS: Final = 5.0
REFUSED_SECONDS: Final = 60.0
"""How long the right to list pods may be missing: roles are replaced by upgrades."""

AWAY_PAUSE: Final = 1.0

REFUSALS: Final = ("said 401", "said 403")


def seconds_left(plan: StepPlan) -> float | None:
    """Return what is left of the step's time, None where it has no limit."""
    if plan.timeout_seconds is None:
        return None
    until = plan.started_at + dt.timedelta(seconds=plan.timeout_seconds)
    return (until - dt.datetime.now(dt.UTC)).total_seconds()


async def until_listed(plan: StepPlan, platform: Platform, stop: StopSignal) -> Finding | None:
    """Wait for the list of the step's namespace; return why the step ends without it.

    Whether the try has pods already, and whether they are done, is known from that list only: an
    API server that is away is waited for whatever the time, and a stop as well. Nothing can be
    created meanwhile. Only one that refuses the list ends the step, after a minute.
    """
    loop, told = asyncio.get_running_loop(), ""
    refused_since: float | None = None
    listed = asyncio.ensure_future(platform.watch.synced(plan.namespace))
    try:
        while True:
            await asyncio.wait({listed}, timeout=LOOK_SECONDS)
            if listed.done():
                await _claim_all(plan, platform)
                return None
            trouble = platform.watch.trouble.get(plan.namespace, "")
            if trouble and trouble != told:
                told = trouble
                platform.say(f"The pods of {plan.namespace} cannot be seen yet: {trouble}")
            if not any(word in trouble for word in REFUSALS):
                refused_since = None
            elif refused_since is None:
                refused_since = loop.time()
            elif loop.time() - refused_since > REFUSED_SECONDS:
                return _refused(plan, trouble, stop.reason)
    finally:
        listed.cancel()


async def _claim_all(plan: StepPlan, platform: Platform) -> None:
    """Take the try's own pods that wear another platform's label, before anything is created."""
    for namespace, name in platform.watch.strangers.of_try(plan.context.try_id):
        while True:
            try:
                found = await platform.cluster.get_pod(namespace, name)
                found = await claim(found, platform.cluster) if found is not None else None
            except ClusterUnreachableError:
                await asyncio.sleep(AWAY_PAUSE)
                continue
            if found is not None:
                platform.watch.learn(found)
            break


def _refused(plan: StepPlan, trouble: str, stopped: Verdict | None) -> Finding:
    return Finding(
        verdict=stopped or Verdict.CONFIG_ERROR,
        sentence=f"{plan.context.job} cannot start: {trouble.rstrip('.')}.",
        hint=f"Let Airflow's service account list and watch pods in {plan.namespace} (the chart's "
        "Role), or correct namespace=.",
        evidence={"trouble": trouble[:500]},
    )
