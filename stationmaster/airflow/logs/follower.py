"""Logs of pods whose image has no runner of ours: read from the API, kept in the same chunks.

A pod that wears the label `stationmaster.io/log: pod` is followed live. Of any other pod that
ended without a result the log is read once, before the pod is let go: its program may have died
before the runner could keep a line.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

import aiohttp

from stationmaster.airflow.life.apierrors import ClusterError, NotThereError
from stationmaster.airflow.life.names import LOG_LABEL
from stationmaster.airflow.life.podfacts import ended, step_name, step_state
from stationmaster.airflow.logs.podlines import PodLines, rfc3339, seen_last
from stationmaster.step.logs.format import LogHead, source_folder
from stationmaster.step.logs.segment import SpoolLimits
from stationmaster.step.logs.spool import LogSpool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from stationmaster.airflow.life.plan import PodRef
    from stationmaster.airflow.logs.platform import PlatformLogs
    from stationmaster.airflow.logs.turns import Turns
    from stationmaster.step.logs.store import LogStore
    from stationmaster.step.protocol import StepContext

__all__ = ["PodLogReader", "PodLogs"]

_log = logging.getLogger(__name__)

LAST_READ_SECONDS: Final = 15.0
"""How long a pod is kept for its log to be read to the end."""

_MOST_WAITING_BYTES: Final = 4 << 20
_PAUSE_SECONDS: Final = 0.2
_LONGEST_PAUSE_SECONDS: Final = 10.0
_LIMITS: Final = SpoolLimits(disk_bytes=0)


class PodLogReader(Protocol):
    """Read a pod's log; `stationmaster.airflow.life.cluster.Cluster` does."""

    def log_pieces(
        self, namespace: str, name: str, container: str, query: Mapping[str, str] | None = None
    ) -> AsyncIterator[bytes]:
        """Yield a container's log in pieces as they come."""


class PodLogs:
    """Keep the logs of one step's pods; `seen` and `before_release` are for its `Platform`.

    Args:
        reader: Reads the pods' logs.
        logs: Where the chunks go; without a log store nothing is kept.
        log_path: Airflow's relative path of the try's log.
        turns: Shared by all steps of a process.
        say: Takes sentences for the task's log.
    """

    def __init__(
        self,
        reader: PodLogReader,
        logs: PlatformLogs,
        log_path: str,
        turns: Turns,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._reader = reader
        self._logs = logs
        self._log_path = log_path
        self._turns = turns
        self._say = say
        self._over: dict[str, asyncio.Event] = {}
        self._pods: dict[str, Mapping[str, Any]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._given_up: set[str] = set()

    def seen(self, context: StepContext, pod: Mapping[str, Any]) -> None:
        """Take in a pod's state; starts to follow it when its container has started."""
        uid = pod["metadata"]["uid"]
        self._pods[uid] = pod
        if ended(pod) is not None:
            self._over.setdefault(uid, asyncio.Event()).set()
        if self._logs.store is None or uid in self._tasks or not _has_started(pod):
            return
        live = (pod["metadata"].get("labels") or {}).get(LOG_LABEL) == "pod"
        how_it_ended = ended(pod)
        if live or (how_it_ended is not None and not how_it_ended.get("message")):
            self._tasks[uid] = asyncio.create_task(self._keep(context, uid))

    async def before_release(self, pod: PodRef) -> None:
        """Return when the pod's log is read to its end, or the time for that is over."""
        task = self._tasks.get(pod.uid)
        if task is not None:
            _, unfinished = await asyncio.wait({task}, timeout=LAST_READ_SECONDS)
            if unfinished:
                self._given_up.add(pod.uid)
                task.cancel()

    async def close(self) -> None:
        """Stop following; another process may go on where this one stopped."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _keep(self, context: StepContext, uid: str) -> None:
        store = self._logs.store
        if store is None:
            return
        over = self._over.setdefault(uid, asyncio.Event())
        if self._turns.are_taken and not over.is_set():
            self._say(
                f"The log of {self._pods[uid]['metadata']['name']} is shown later, at the latest "
                f"when it ended: {self._turns.running} pods are followed already."
            )
        try:
            async with self._turns.taken(over):
                await self._keep_now(context, uid, store)
        except asyncio.CancelledError:
            if uid not in self._given_up:
                raise
            spool = self._spool(context, store)
            spool.add_gap(PodLines(spool).gap_until_now("the pod's log was not read in time"))
            spool.end()

    async def _keep_now(self, context: StepContext, uid: str, store: LogStore) -> None:
        folder = source_folder(self._log_path, context.shard.index, context.attempt)
        before = await asyncio.to_thread(seen_last, store, folder, context.try_id)
        if before.runner:
            return  # the runner itself keeps it
        spool = self._spool(context, store)
        lines = PodLines(spool, before.stamp)
        try:
            await self._read(uid, lines, spool)
        except asyncio.CancelledError:
            if uid not in self._given_up:
                spool.leave()
                raise
            spool.add_gap(lines.gap_until_now("the API server did not answer in time"))
        spool.end()

    def _spool(self, context: StepContext, store: LogStore) -> LogSpool:
        folder = source_folder(self._log_path, context.shard.index, context.attempt)
        name = f"{folder}/{time.time_ns() // 1_000_000}-{os.getpid()}"
        spool = LogSpool(store, name, _head(context), _LIMITS)
        self._logs.uploader.carry(spool)
        return spool

    async def _read(self, uid: str, lines: PodLines, spool: LogSpool) -> None:
        """Read to the end of a pod that ended; after a break go on by time."""
        pause = _PAUSE_SECONDS
        while True:
            was_over = ended(self._pods[uid]) is not None
            got = lines.count
            try:
                await self._read_once(self._pods[uid], lines, spool)
            except NotThereError:
                spool.add_gap(lines.gap_until_now("the pod was gone"))
                return
            except (ClusterError, aiohttp.ClientError, OSError) as error:
                _log.info("Reading a pod's log broke off: %s", error)
                was_over = False
            if was_over:
                return
            pause = _PAUSE_SECONDS if lines.count > got else min(2 * pause, _LONGEST_PAUSE_SECONDS)
            await asyncio.sleep(pause)

    async def _read_once(self, pod: Mapping[str, Any], lines: PodLines, spool: LogSpool) -> None:
        metadata = pod["metadata"]
        query = {"follow": "true", "timestamps": "true"}
        if lines.stamp:
            query["sinceTime"] = rfc3339(lines.stamp)
        lines.resume()
        pieces = self._reader.log_pieces(
            metadata["namespace"], metadata["name"], step_name(pod), query
        )
        async with contextlib.aclosing(pieces):  # type: ignore[type-var]
            async for piece in pieces:
                lines.feed(piece)
                # The store's threads make the room: there is no event of the loop for it.
                while spool.waiting_bytes > _MOST_WAITING_BYTES:  # noqa: ASYNC110 (see above)
                    await asyncio.sleep(_PAUSE_SECONDS)
        lines.pause()


def _has_started(pod: Mapping[str, Any]) -> bool:
    state = step_state(pod).get("state") or {}
    return "running" in state or "terminated" in state


def _head(context: StepContext) -> LogHead:
    return LogHead(
        try_id=context.try_id,
        source="pod",
        shard=context.shard.index,
        shards=context.shard.count,
        attempt=context.attempt,
    )
