"""The life of a step: its shards' attempts, from the first pod to the step's end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stationmaster.airflow.life.plan import PodRef, StepEnd

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from stationmaster.airflow.life.cluster import Cluster
    from stationmaster.airflow.life.plan import StepPlan
    from stationmaster.airflow.life.podwatch import PodWatch
    from stationmaster.airflow.life.stopping import StopSignal
    from stationmaster.ledger.records import AttemptRecord

__all__ = ["Platform", "PodRef", "StepEnd", "live", "release"]


@dataclass(frozen=True)
class Platform:
    """Hold what a step's life needs of the world.

    `record` is called once or more for each attempt with the same key, and must have stored the
    record when it returns; `say` takes whole sentences for the task's log.
    """

    cluster: Cluster
    watch: PodWatch
    record: Callable[[AttemptRecord], Awaitable[None]]
    say: Callable[[str], None]


async def live(plan: StepPlan, platform: Platform, stop: StopSignal) -> StepEnd:
    """Live a try of a step to its end, wherever it stands: nothing started, running or over.

    Creates or adopts the pods, judges them, starts further attempts within the budgets. May be
    called again, and by two processes at once: the outcome is the same. Cancellation leaves the
    pods alone; a reason in `stop` deletes them and waits until they ended.
    """
    raise NotImplementedError


async def release(plan: StepPlan, end: StepEnd, platform: Platform) -> None:
    """Let the pods of an end go, after that end is persisted."""
    raise NotImplementedError
