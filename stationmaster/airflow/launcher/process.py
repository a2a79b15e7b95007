"""The launcher's process: orders come in by stdin, reports go out by stdout, one JSON a line."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Final

from stationmaster.airflow.launcher.figures import tell_for_ever
from stationmaster.airflow.launcher.messages import (
    Order,
    Report,
    ReportKind,
    Stop,
    read_command,
)
from stationmaster.airflow.launcher.rows import beat, known, living
from stationmaster.airflow.launcher.steps import Phase, StepRun
from stationmaster.airflow.life.findings import Verdict
from stationmaster.airflow.life.reaper import Reaped, Reaper

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from stationmaster.airflow.launcher.services import Services

__all__ = ["Launcher", "die_with_parent"]

BEAT_SECONDS: Final = 3.0
"""Between two looks at all rows: a user's kill is seen within it."""

PR_SET_PDEATHSIG: Final = 1
AGAIN_SECONDS: Final = 5.0
REAP_SECONDS: Final = 60.0
LONGEST_LINE: Final = 16 * 1024**2

log = logging.getLogger(__name__)


class Launcher:
    """Run all steps of one scheduler until told to stop, or until the scheduler is gone."""

    def __init__(
        self, services: Services, namespace: str, reader: asyncio.StreamReader, out: int
    ) -> None:
        self._services = services
        self._namespace = namespace
        self._reader = reader
        self._out = out
        self._runs: dict[str, StepRun] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._unsent = b""

    async def serve(self) -> None:
        """Serve; returning leaves all pods as they are."""
        always = [
            asyncio.create_task(self._beat_for_ever()),
            asyncio.create_task(self._reap_for_ever()),
            asyncio.create_task(
                tell_for_ever(lambda: len(self._runs), self._services.platform.cluster.requests)
            ),
        ]
        self._report(Report(kind=ReportKind.READY))
        try:
            while line := await self._reader.readline():
                command = read_command(line)
                if isinstance(command, Stop):
                    break
                self._take(command)
        finally:
            for task in (*always, *self._tasks):
                task.cancel()
            await asyncio.gather(*always, *self._tasks, return_exceptions=True)

    def _take(self, order: Order) -> None:
        """Start an order; one that runs already goes on."""
        if order.ti_id in self._runs:
            return
        run = StepRun(order, self._services)
        self._runs[order.ti_id] = run
        self._background(self._run(run))

    def _background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, run: StepRun) -> None:
        while True:
            try:
                report = await run.run()
            except asyncio.CancelledError:
                raise
            except Exception:
                # Nothing is decided by an error of ours: the pods are found again by name.
                log.exception("Step %s: trying again in %s s", run.order.ti_id, AGAIN_SECONDS)
                await asyncio.sleep(AGAIN_SECONDS)
                stop, run = run.stop, StepRun(run.order, self._services)
                if stop.reason is not None:
                    run.stop.set(stop.reason)
                self._runs[run.order.ti_id] = run
            else:
                break
        self._runs.pop(run.order.ti_id, None)
        self._report(report)

    async def _beat_for_ever(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            running = {ti_id: run for ti_id, run in self._runs.items() if run.phase is Phase.LIVING}
            if not running:
                continue
            try:
                await self._beat(running)
            except Exception:
                log.exception("A round of heartbeats failed; the next comes")

    async def _beat(self, running: dict[str, StepRun]) -> None:
        states = await self._services.quickly(beat, list(running), say=log.warning)
        for ti_id, run in running.items():
            if states.get(ti_id) != "running" and run.phase is Phase.LIVING:
                run.stop.set(Verdict.KILLED_BY_USER)

    async def _reap_for_ever(self) -> None:
        """Clear away what nobody needs: pods of ended tries that were not let go."""
        platform = self._services.platform
        reaper = Reaper(
            platform.cluster,
            platform.watch,
            self._alive,
            known=self._known,
            record=platform.record,
        )
        while True:
            await asyncio.sleep(REAP_SECONDS)
            try:
                reaped = await reaper.round(self._namespace)
                if reaped != Reaped():
                    log.info("Cleared away: %s", reaped)
                await platform.close_lost(self._alive, self._known)
                await platform.sum_up()
            except Exception:
                log.exception("A round of clearing away failed; the next comes")

    async def _alive(self, try_ids: frozenset[str]) -> frozenset[str]:
        ids = [each for each in try_ids if each not in self._runs]
        owned = await self._services.quickly(living, ids, say=log.warning)
        return frozenset({*owned, *self._runs})

    async def _known(self, try_ids: frozenset[str]) -> frozenset[str]:
        return frozenset(await self._services.quickly(known, list(try_ids), say=log.warning))

    def _report(self, report: Report) -> None:
        """Write a line; a scheduler that stands still must not hold us up."""
        self._unsent += report.model_dump_json().encode() + b"\n"
        self._flush()

    def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._unsent:
                sent = os.write(self._out, self._unsent)
                self._unsent = self._unsent[sent:]
        except BlockingIOError:
            loop.add_writer(self._out, self._flush)
        else:
            loop.remove_writer(self._out)


def die_with_parent(parent: int) -> None:
    """Have the kernel end us when the scheduler dies, however it dies (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit(0)
