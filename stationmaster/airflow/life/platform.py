"""What a step's life needs of the world around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from stationmaster.airflow.life.cluster import Cluster
    from stationmaster.airflow.life.plan import PodRef
    from stationmaster.airflow.life.podwatch import PodWatch
    from stationmaster.ledger.records import AttemptRecord
    from stationmaster.step.protocol import StepContext

__all__ = ["Platform"]


def _nothing(context: StepContext, pod: Mapping[str, Any]) -> None:
    del context, pod


def _unnoted(context: StepContext, pod: Mapping[str, Any], sentence: str) -> None:
    del context, pod, sentence


async def _ours() -> bool:
    return True


async def _at_once(pod: PodRef) -> None:
    del pod


@dataclass(frozen=True)
class Platform:
    """Hold cluster and watch of the process, and where one step's records and words go.

    `record` may be called more than once for the same attempt; when it returns, the record is
    stored. If it raises, it is called again until it does not: no pod goes unrecorded.
    `say` takes whole sentences for the task's log.
    `seen` gets each state of each attempt's pod, trimmed; it must be quick.
    `waits` gets what an attempt waits for, in a sentence, when that changes; it must be quick.
    `still_ours` is asked right before a pod is created: a launcher that was overtaken creates none.
    `before_release` is awaited before a pod is let go, so that its log can be read to the end.
    """

    cluster: Cluster
    watch: PodWatch
    record: Callable[[AttemptRecord], Awaitable[None]]
    say: Callable[[str], None]
    seen: Callable[[StepContext, Mapping[str, Any]], None] = _nothing
    waits: Callable[[StepContext, Mapping[str, Any], str], None] = _unnoted
    before_release: Callable[[PodRef], Awaitable[None]] = _at_once
    still_ours: Callable[[], Awaitable[bool]] = _ours
