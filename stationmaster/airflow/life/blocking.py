"""Live a step in a worker's own process, where no launcher does it for many."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from stationmaster.airflow.life.attempts import live, release
from stationmaster.airflow.life.cluster import Cluster
from stationmaster.airflow.life.endpoint import discover
from stationmaster.airflow.life.names import SELECTOR, TRY_ID_LABEL
from stationmaster.airflow.life.platform import Platform
from stationmaster.airflow.life.podwatch import PodWatch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from stationmaster.airflow.life.endpoint import Endpoint
    from stationmaster.airflow.life.plan import StepEnd, StepPlan
    from stationmaster.airflow.life.stopping import StopSignal
    from stationmaster.ledger.records import AttemptRecord

__all__ = ["run_to_end"]


def run_to_end(  # noqa: PLR0913 (a step's whole world, each part by its name)
    plan: StepPlan,
    stop: StopSignal,
    *,
    record: Callable[[AttemptRecord], Awaitable[None]],
    say: Callable[[str], None],
    endpoint: Callable[[], Coroutine[None, None, Endpoint]] = discover,
    persist: Callable[[StepEnd], None] | None = None,
) -> StepEnd:
    """Live a try to its end and return how it ended.

    Watches the try's own pods only. Without `persist` the pods keep their evidence until the
    reaper frees them, since nobody said that the end is stored.

    Args:
        plan: The try.
        stop: Asks to end it; set it from another thread or from a signal handler.
        record: Stores an attempt.
        say: Takes sentences for the task's log.
        endpoint: Finds the API server; the pod's own or the kubeconfig's by default.
        persist: Stores the end; the pods are let go after it has returned.

    Raises:
        kubernetes_asyncio.config.ConfigException: No API server is configured.
    """

    async def run() -> StepEnd:
        selector = f"{SELECTOR},{TRY_ID_LABEL}={plan.context.try_id}"
        async with (
            Cluster(await endpoint()) as cluster,
            PodWatch(cluster, selector=selector) as watch,
        ):
            platform = Platform(cluster=cluster, watch=watch, record=record, say=say)
            end = await live(plan, platform, stop)
            if persist is not None:
                persist(end)
                await release(plan, end, platform)
            return end

    return asyncio.run(run())
