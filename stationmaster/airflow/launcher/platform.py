"""Kubernetes' side of a launcher: one client, one watch, the ledger."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final, Self

from stationmaster.airflow.launcher.openrows import LOST_SECONDS, OpenRows, close_lost
from stationmaster.airflow.launcher.plans import KEEP_ANNOTATION
from stationmaster.airflow.life.attempts import Platform
from stationmaster.airflow.life.cluster import Cluster
from stationmaster.airflow.life.endpoint import discover, plain
from stationmaster.airflow.life.findings import Finding, Verdict
from stationmaster.airflow.life.names import FINALIZER, TRY_ID_LABEL
from stationmaster.airflow.life.nodebook import NodeBook
from stationmaster.airflow.life.nodewatch import NodeWatch
from stationmaster.airflow.life.podmetrics import PodMetrics
from stationmaster.airflow.life.podwatch import PodWatch
from stationmaster.airflow.life.recording import record_of_pod
from stationmaster.airflow.life.releasing import free, ref_of
from stationmaster.ledger.cost.prices import PriceBook
from stationmaster.ledger.cost.settings import CostSettings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from types import TracebackType

    from stationmaster.airflow.logs.follower import PodLogs
    from stationmaster.ledger.nodelives import NodeSeen
    from stationmaster.ledger.records import AttemptRecord
    from stationmaster.ledger.store import Ledger
    from stationmaster.step.protocol import StepContext
    from stationmaster.step.settings import Settings

__all__ = ["StepsPlatform"]

GRACE_SECONDS: Final = 8
SWEEP_SECONDS: Final = 1.0
SUM_UP_SECONDS: Final = 600.0
LONGEST_SWEEP_SECONDS: Final = 60.0


log = logging.getLogger(__name__)


class StepsPlatform:
    """Hold what steps live on; an async context manager.

    Args:
        settings: Which namespace is swept, and which API server is spoken to.
        record: Stores what is known of an attempt; returns when it is stored.
        ledger: Where the rows that nobody ended are found, and the lives of nodes are kept.
    """

    def __init__(
        self,
        settings: Settings,
        record: Callable[[AttemptRecord], Awaitable[None]],
        ledger: Ledger | None = None,
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._sum_up_at = 0.0
        self.record = record
        self._stack = AsyncExitStack()
        self.cluster: Cluster
        self.watch: PodWatch
        self.nodes: NodeBook
        self.prices: PriceBook
        self.metrics: PodMetrics

    async def __aenter__(self) -> Self:
        url = self._settings.kubernetes_url
        endpoint = plain(url) if url else await discover()
        self.cluster = await self._stack.enter_async_context(Cluster(endpoint))
        self.watch = await self._stack.enter_async_context(PodWatch(self.cluster))
        self.prices = PriceBook.for_recording(CostSettings(), log.warning)
        book = NodeBook(self.cluster, self.prices)
        self.nodes = await self._stack.enter_async_context(book)
        self.record = self.nodes.recording(self.record)
        self.metrics = PodMetrics(self.cluster)
        self.record = self.metrics.recording(self.record)
        sampling = self.metrics.sample_for_ever(self._settings.steps_namespace)
        self._stack.callback(asyncio.create_task(sampling, name="pod metrics").cancel)
        if self._ledger is not None:
            lives = NodeWatch(self.cluster, self.prices, self._see_nodes)
            watching = asyncio.create_task(lives.follow_for_ever(), name="lives of nodes")
            self._stack.push_async_callback(_cancelled, watching)
        self._rows = OpenRows(self.record)
        self._stack.push_async_callback(self._rows.close)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    def of(
        self,
        say: Callable[[str], None],
        pod_logs: PodLogs,
        still_ours: Callable[[], Awaitable[bool]],
    ) -> Platform:
        """Return the platform of one step."""

        def seen(context: StepContext, pod: Mapping[str, Any]) -> None:
            self.nodes.notice(pod)
            self.metrics.notice(pod)
            if self._ledger is not None:
                self._rows.notice(context, pod)
            pod_logs.seen(context, pod)

        def waits(context: StepContext, pod: Mapping[str, Any], sentence: str) -> None:
            if self._ledger is not None:
                self._rows.waits(context, pod, sentence)

        return Platform(
            cluster=self.cluster,
            watch=self.watch,
            record=self.record,
            say=say,
            seen=seen,
            waits=waits,
            before_release=pod_logs.before_release,
            still_ours=still_ours,
        )

    async def close_lost(
        self,
        alive: Callable[[frozenset[str]], Awaitable[frozenset[str]]],
        known: Callable[[frozenset[str]], Awaitable[frozenset[str]]],
    ) -> None:
        """End the rows of attempts whose pods went before anybody read their end.

        Args:
            alive: Returns which of the given try ids are owned.
            known: Returns which of them are of this Airflow at all.
        """
        if self._ledger is None:
            return
        before = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=LOST_SECONDS)
        rows = await asyncio.to_thread(self._ledger.open_attempts, before)
        with_pods = frozenset(each.try_id for each in rows if self.watch.of_try(each.try_id))
        await close_lost(rows, self.record, with_pods=with_pods, alive=alive, known=known)

    async def sum_up(self) -> None:
        """Have the ledger sum up its days, every few minutes."""
        if self._ledger is None or time.monotonic() < self._sum_up_at:
            return
        self._sum_up_at = time.monotonic() + SUM_UP_SECONDS
        await asyncio.to_thread(self._ledger.roll_up)

    async def _see_nodes(self, nodes: list[NodeSeen]) -> None:
        if self._ledger is not None:
            await asyncio.to_thread(self._ledger.see_nodes, nodes)

    async def sweep(self, try_id: str) -> None:
        """Remove what is left of a try that is over, and wait until it is gone.

        An ended pod that is to be kept (`on_finish_action="keep_pod"`) only loses our finalizer.
        A pod on a node that is gone stays: a minute after the API server took every delete,
        the reaper has the rest.

        Raises:
            ClusterError: The API server does not answer; the pods may be running.
        """
        selector = f"{TRY_ID_LABEL}={try_id}"
        recorded: set[str] = set()
        asked: float | None = None
        while left := [pod for pod in await self._pods_of(try_id, selector) if not _stays(pod)]:
            for pod in left:
                if pod["metadata"]["uid"] not in recorded and _ended(pod):
                    await self._note(pod)
                    recorded.add(pod["metadata"]["uid"])
                await self._remove(pod)
            asked = asked or time.monotonic()
            if time.monotonic() - asked >= LONGEST_SWEEP_SECONDS:
                return
            await asyncio.sleep(SWEEP_SECONDS)

    async def _pods_of(self, try_id: str, selector: str) -> list[dict[str, Any]]:
        seen = {str(pod["metadata"]["namespace"]) for pod in self.watch.of_try(try_id)}
        found: list[dict[str, Any]] = []
        for namespace in {self._settings.steps_namespace, *seen}:
            async for page, _ in self.cluster.list_pods(namespace, selector):
                found += page
        return found

    async def _note(self, pod: dict[str, Any]) -> None:
        """Record the attempt of a pod that nobody watched to its end; twice is once."""
        sentence = "Airflow had taken the task away."
        killed = Finding(verdict=Verdict.KILLED_BY_USER, sentence=sentence)
        record = record_of_pod(pod, otherwise=killed)
        if record is None:
            return
        if record.verdict == Verdict.POD_DELETED.value:
            # By us, in a sweep: it says why there.
            update = {"verdict": killed.verdict.value, "sentence": sentence, "hint": ""}
            record = record.model_copy(update=update)
        await self.record(record)

    async def _remove(self, pod: dict[str, Any]) -> None:
        metadata, ref = pod["metadata"], ref_of(pod)
        if not metadata.get("deletionTimestamp") and not _is_kept(pod):
            await self.cluster.delete_pod(
                ref.namespace, ref.name, uid=ref.uid, grace_seconds=GRACE_SECONDS
            )
        if FINALIZER in metadata.get("finalizers", ()) and _ended(pod):
            await free(ref, self.cluster)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _ended(pod: dict[str, Any]) -> bool:
    return pod.get("status", {}).get("phase") in {"Succeeded", "Failed", "Pending"}


def _is_kept(pod: dict[str, Any]) -> bool:
    """Tell whether the pod has ended and is to be kept; the reaper deletes it after an hour."""
    marked = KEEP_ANNOTATION in pod["metadata"].get("annotations", {})
    return marked and pod.get("status", {}).get("phase") in {"Succeeded", "Failed"}


def _stays(pod: dict[str, Any]) -> bool:
    return _is_kept(pod) and FINALIZER not in pod["metadata"].get("finalizers", ())
