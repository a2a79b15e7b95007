"""One task instance's way through the launcher, from `/run` to its persisted end."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeVar

from airflow.sdk.api.client import get_hostname

from stationmaster.airflow.launcher.api import UNIX_NAME, GoneError, Identity
from stationmaster.airflow.launcher.messages import Order, Report, ReportKind
from stationmaster.airflow.launcher.rows import earlier_ids, hand_over, look, requeue
from stationmaster.airflow.launcher.template import NeedsWorkerError
from stationmaster.airflow.life.attempts import live, release
from stationmaster.airflow.life.findings import Verdict
from stationmaster.airflow.life.stopping import StopSignal
from stationmaster.airflow.logs.follower import PodLogs
from stationmaster.airflow.results import reference, sentences, unpublished

if TYPE_CHECKING:
    from collections.abc import Callable

    from stationmaster.airflow.launcher.preparing import Prepared
    from stationmaster.airflow.launcher.rows import Row
    from stationmaster.airflow.launcher.services import Services
    from stationmaster.airflow.life.plan import StepEnd

__all__ = ["Phase", "StepRun"]

Answer = TypeVar("Answer")

SILENT_WORKER_SECONDS: Final = 60.0
"""A worker says every few seconds that it lives (`[workers] min_heartbeat_interval`, 5 s)."""


class Phase(StrEnum):
    """Name where a step stands in the launcher."""

    STARTING = "starting"
    LIVING = "living"
    """The row says running and is ours: heartbeats go out, and a change of state is a kill."""
    ENDING = "ending"


class StepRun:
    """Run one task instance; whatever is interrupted may be begun again by another launcher."""

    def __init__(self, order: Order, services: Services) -> None:
        self.order = order
        self.stop = StopSignal()
        self.phase = Phase.STARTING
        self._services = services
        self._log = services.logs.open(order.log_path, try_id=order.ti_id)

    async def run(self) -> Report:
        """Return what the executor is told once all is persisted."""
        try:
            return await self._run()
        finally:
            self._log.close()

    async def _run(self) -> Report:
        ti_id = self.order.ti_id
        row = (await self._persist(look, [ti_id])).get(ti_id)
        if row is None or row.state not in {"queued", "running"}:
            return await self._taken_away(row)
        if row.next_method or (row.state == "running" and row.unixname != UNIX_NAME):
            return await self._of_a_worker(row)
        started_at = row.start_date if row.state == "running" else None
        try:
            prepared = await self._start(row, started_at or dt.datetime.now(dt.UTC))
        except GoneError as gone:
            self._log.say(f"Airflow does not want it run any more: {gone}")
            return await self._taken_away(None)
        except NeedsWorkerError as reason:
            return await self._to_worker(None, None, f"A worker runs this step: {reason}.")
        return await self._live(prepared)

    async def _start(self, row: Row, started_at: dt.datetime) -> Prepared:
        """Mark the task as running, and render it."""
        mine = Identity(get_hostname(), os.getpid())  # type: ignore[no-untyped-call]
        if row.state == "running" and row.hostname and row.pid:
            mine = Identity(row.hostname, row.pid)
        context = await self._persist(self._services.api.run, self.order.ti_id, mine, started_at)
        self.phase = Phase.LIVING
        preparation = self._services.preparation
        return await self._persist(preparation.prepare, self.order, context, started_at)

    async def _live(self, prepared: Prepared) -> Report:
        plan = prepared.rendered.plan
        services = self._services
        path = self.order.log_path or ""
        pod_logs = PodLogs(services.platform.cluster, services.logs, path, services.reading)
        platform = services.platform.of(self._log.say, pod_logs)
        try:
            end = await live(plan, platform, self.stop)
            self.phase = Phase.ENDING
            report = await self._conclude(prepared, end)
            await release(plan, end, platform)
        finally:
            await pod_logs.close()
        return report

    async def _conclude(self, prepared: Prepared, end: StepEnd) -> Report:
        """Persist the end in Airflow; a failure, or a success that needs code, by a worker."""
        if end.verdict is Verdict.KILLED_BY_USER:
            self._log.say("Airflow took the task away: its pods are gone.")
            return Report(kind=ReportKind.OVER, ti_id=self.order.ti_id, why="killed")
        preparation = self._services.preparation
        finishing = {"end": end.model_dump_json()}
        code = end.finding.exit_code if end.finding else None
        skipped = code is not None and code in prepared.rendered.plan.skip_exit_codes
        waiting = unpublished(end.results) if end.done else []
        if prepared.template.ends_on_worker and (end.done or skipped):
            why = f"A worker ends this step: {prepared.template.ends_on_worker}."
            return await self._to_worker("finish", finishing, why)
        if waiting or not (end.done or skipped):
            return await self._to_worker("finish", finishing, "")
        try:
            if skipped:
                self._log.say(f"The step ended with exit code {code}: skipped.")
                await self._persist(preparation.skip, prepared)
            else:
                pushed = reference(prepared.rendered.plan.context.business_date, end.results)
                for line in sentences(pushed):
                    self._log.say(line)
                await self._persist(preparation.succeed, prepared, pushed)
        except GoneError as gone:
            self._log.say(f"It was marked otherwise meanwhile: {gone}")
        return Report(kind=ReportKind.OVER, ti_id=self.order.ti_id)

    async def _to_worker(
        self, method: str | None, kwargs: dict[str, Any] | None, why: str
    ) -> Report:
        if why:
            self._log.say(why)
        self.phase = Phase.ENDING
        if await self._persist(hand_over, self.order.ti_id, method, kwargs):
            return Report(kind=ReportKind.WORKER, ti_id=self.order.ti_id, why=why)
        # Another launcher was faster, or the user was: the row says what holds.
        row = (await self._persist(look, [self.order.ti_id])).get(self.order.ti_id)
        if row is not None and row.state == "queued":
            return Report(kind=ReportKind.WORKER, ti_id=self.order.ti_id, why=why)
        return Report(kind=ReportKind.OVER, ti_id=self.order.ti_id)

    async def _of_a_worker(self, row: Row) -> Report:
        """Give a task that belongs to a worker to one, unless one has it and lives."""
        while row.state == "running":
            beaten = row.last_heartbeat_at or row.start_date
            now = dt.datetime.now(dt.UTC)
            silent = (now - beaten).total_seconds() if beaten else SILENT_WORKER_SECONDS
            if silent >= SILENT_WORKER_SECONDS:
                self._log.say(f"Its worker has been silent for {silent:.0f} s: another takes it.")
                await self._persist(requeue, self.order.ti_id, row.last_heartbeat_at)
            await asyncio.sleep(SILENT_WORKER_SECONDS / 10)
            fresh = (await self._persist(look, [self.order.ti_id])).get(self.order.ti_id)
            if fresh is None or fresh.state not in {"queued", "running"}:
                return Report(kind=ReportKind.OVER, ti_id=self.order.ti_id)
            row = fresh
        return Report(kind=ReportKind.WORKER, ti_id=self.order.ti_id)

    async def _taken_away(self, row: Row | None) -> Report:
        """Remove the pods of a try that Airflow wants no more."""
        ti = self.order.ti
        ids = [self.order.ti_id]
        if row is not None and row.state == "restarting":
            ids = await self._persist(
                earlier_ids, ti["dag_id"], ti["run_id"], ti["task_id"], ti["map_index"]
            )
        for each in ids:
            await self._services.platform.sweep(each)
        return Report(kind=ReportKind.OVER, ti_id=self.order.ti_id, why="taken away")

    async def _persist(self, call: Callable[..., Answer], *arguments: Any) -> Answer:  # noqa: ANN401
        """Call what blocks on the database, in a thread, until the database answers."""
        return await self._services.persistently(call, *arguments, say=self._log.say)
