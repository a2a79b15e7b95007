"""One task instance's way through the launcher, from `/run` to its persisted end."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import os
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeVar

from airflow.sdk.api.client import get_hostname

from stationmaster.airflow.launcher.api import UNIX_NAME, GoneError, Identity
from stationmaster.airflow.launcher.messages import Order, Report, ReportKind
from stationmaster.airflow.launcher.rows import OVER, earlier_ids, hand_over, look, requeue
from stationmaster.airflow.launcher.template import NeedsWorkerError
from stationmaster.airflow.life.attempts import live, release
from stationmaster.airflow.life.findings import Verdict
from stationmaster.airflow.life.sizefacts import size_facts_of
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

TAKEN_AWAY: Final = frozenset({*OVER, "restarting"})
SILENT_WORKER_SECONDS: Final = 60.0
"""A worker says every few seconds that it lives (`[workers] min_heartbeat_interval`, 5 s)."""


log = logging.getLogger(__name__)


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
        self._queued_at: dt.datetime | None = None

    async def run(self) -> Report:
        """Return what the executor is told once all is persisted."""
        try:
            return await self._run()
        finally:
            self._log.close()

    async def _run(self) -> Report:
        row = await self._look()
        if row is None or row.state in TAKEN_AWAY:
            return await self._taken_away(row)
        if row.state not in {"queued", "running"}:
            return self._report(ReportKind.NOT_OURS)
        if self.order.give_up or row.next_method or _has_worker(row):
            return await self._of_a_worker(row)
        adopted = row.state == "running"
        started_at = row.start_date if adopted else None
        self._queued_at = row.queued_at
        try:
            prepared = await self._start(row, started_at or dt.datetime.now(dt.UTC))
        except GoneError as gone:
            return await self._refused(gone)
        except NeedsWorkerError as reason:
            return await self._to_worker(None, f"A worker runs this step: {reason}.")
        return await self._live(prepared)

    async def _start(self, row: Row, started_at: dt.datetime) -> Prepared:
        """Mark the task as running, and render it."""
        services = self._services
        services.preparation.expect(self.order)
        mine = Identity(get_hostname(), os.getpid())  # type: ignore[no-untyped-call]
        adopted = row.state == "running"
        if adopted and row.hostname and row.pid:
            mine = Identity(row.hostname, row.pid)
        context = await self._persist(services.api.run, self.order.ti_id, mine, started_at)
        if adopted:
            # Whoever started it has cleared them; by now one may be the step's own.
            context.xcom_keys_to_clear = []
        self.phase = Phase.LIVING
        prepare = services.preparation.prepare
        try:
            prepared = await self._rendering(prepare, self.order, context, started_at)
            return await services.persistently(
                services.preparation.size,
                prepared,
                say=self._log.say,
                threads=services.sizing,
                weight=self.order.weight,
            )
        except (GoneError, NeedsWorkerError):
            raise
        except Exception as error:
            log.exception("Step %s could not be prepared", self.order.ti_id)
            message = f"it could not be prepared without one ({type(error).__name__}: {error})"
            raise NeedsWorkerError(message) from error

    async def _refused(self, gone: GoneError) -> Report:
        """Find out what a refusal of Airflow's means: only what is over is taken away."""
        row = await self._look()
        if row is not None and row.state in {"queued", "running"}:
            message = f"Airflow says that another runs it ({gone}); looking again"
            raise RuntimeError(message)
        if row is not None and row.state not in TAKEN_AWAY:
            return self._report(ReportKind.NOT_OURS)
        return await self._taken_away(row)

    async def _is_ours(self) -> bool:
        """Tell whether a launcher still runs the task: one that was overtaken makes no pod."""
        row = await self._look()
        return row is not None and row.state == "running" and row.unixname == UNIX_NAME

    async def _live(self, prepared: Prepared) -> Report:
        plan = prepared.rendered.plan.model_copy(update={"queued_at": self._queued_at})
        services = self._services
        if why := size_facts_of(plan.pod).size_why:
            self._log.say(f"Memory: {why}")
        path = self.order.log_path or ""
        pod_logs = PodLogs(
            services.platform.cluster, services.logs, path, services.reading, self._log.say
        )
        platform = services.platform.of(self._log.say, pod_logs, self._is_ours)
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
            return self._report(ReportKind.OVER, "killed")
        code = end.finding.exit_code if end.finding else None
        skipped = code is not None and code in prepared.rendered.plan.skip_exit_codes
        needed = prepared.template.ends_on_worker
        if needed and (end.done or skipped):
            return await self._to_worker(end, f"A worker ends this step: {needed}.")
        if not (end.done or skipped) or unpublished(end.results):
            return await self._to_worker(end, "")
        try:
            await self._succeed(prepared, end, skipped=skipped)
        except GoneError as gone:
            self._log.say(f"It was marked otherwise meanwhile: {gone}")
        except Exception as error:
            # Not passing trouble: a worker does it its own way, and tells in the log if it fails.
            log.exception("Step %s did not get its end", self.order.ti_id)
            why = f"A worker ends this step, since here it failed: {type(error).__name__}: {error}"
            return await self._to_worker(end, why)
        return self._report(ReportKind.OVER)

    async def _succeed(self, prepared: Prepared, end: StepEnd, *, skipped: bool) -> None:
        preparation = self._services.preparation
        if skipped:
            self._log.say("The step ended with an exit code of skip_on_exit_code: skipped.")
            await self._persist(preparation.skip, prepared)
            return
        pushed = reference(prepared.rendered.plan.context.business_date, end.results)
        for line in sentences(pushed):
            self._log.say(line)
        await self._rendering(preparation.push, prepared, pushed)
        await self._persist(preparation.succeed, prepared)
        if prepared.ti.task.outlets:
            row = await self._look()
            if row is not None and row.state == "failed":
                self._log.say(
                    "The step is done, but Airflow failed to register its asset events and marked "
                    "it as failed: mark it as success."
                )

    async def _to_worker(self, end: StepEnd | None, why: str) -> Report:
        """Queue the task for a worker: to finish with an end, or else to run it all."""
        if why:
            self._log.say(why)
        self.phase = Phase.ENDING
        method, kwargs = None, None
        if end is not None:
            method = "finish"
            kwargs = {"end": end.model_dump_json(), "try_id": self.order.ti_id}
        if await self._quickly(hand_over, self.order.ti_id, method, kwargs):
            report = self._report(ReportKind.WORKER, why)
            return report.model_copy(update={"finishing": end is not None})
        # Another launcher was faster, or the user was: the row says what holds.
        row = await self._look()
        if row is not None and row.state in {"queued", "running"}:
            return await self._of_a_worker(row)
        return self._report(ReportKind.OVER)

    async def _of_a_worker(self, row: Row) -> Report:
        """Give a task that belongs to a worker to one, unless one has it and lives."""
        requeued = False
        while row.state == "running":
            beaten = row.last_heartbeat_at or row.start_date
            now = dt.datetime.now(dt.UTC)
            silent = (now - beaten).total_seconds() if beaten else SILENT_WORKER_SECONDS
            if silent >= SILENT_WORKER_SECONDS:
                self._log.say(f"Its worker has been silent for {silent:.0f} s: another takes it.")
                requeued = await self._quickly(requeue, self.order.ti_id, row.last_heartbeat_at)
            else:
                await asyncio.sleep(SILENT_WORKER_SECONDS / 10)
            fresh = await self._look()
            if fresh is None or fresh.state in TAKEN_AWAY:
                return await self._taken_away(fresh)
            row = fresh
        if row.state != "queued":
            return self._report(ReportKind.NOT_OURS)
        if self.order.give_up:
            return await self._give_up()
        report = self._report(ReportKind.WORKER, "they fell silent" if requeued else "")
        return report.model_copy(
            update={"finishing": row.next_method is not None, "silent": requeued}
        )

    async def _give_up(self) -> Report:
        """Clear the way for Airflow's own failure: the next try must find no pod of this one."""
        self._log.say(self.order.give_up)
        await self._services.platform.sweep(self.order.ti_id)
        return self._report(ReportKind.GIVEN_UP, self.order.give_up)

    async def _taken_away(self, row: Row | None) -> Report:
        """Remove what is left of a try that is over: its pods, if any."""
        ti = self.order.ti
        ids = [self.order.ti_id]
        if row is not None and row.state == "restarting":
            ids += await self._quickly(
                earlier_ids, ti["dag_id"], ti["run_id"], ti["task_id"], ti["map_index"]
            )
        for each in ids:
            await self._services.platform.sweep(each)
        return self._report(ReportKind.OVER, "taken away")

    def _report(self, kind: ReportKind, why: str = "") -> Report:
        return Report(kind=kind, ti_id=self.order.ti_id, why=why)

    async def _look(self) -> Row | None:
        rows: dict[str, Row] = await self._quickly(look, [self.order.ti_id])
        return rows.get(self.order.ti_id)

    async def _quickly(self, call: Callable[..., Answer], *arguments: Any) -> Answer:  # noqa: ANN401
        """Call what reads or writes one row."""
        return await self._services.quickly(
            call, *arguments, say=self._log.say, weight=self.order.weight
        )

    async def _rendering(self, call: Callable[..., Answer], *arguments: Any) -> Answer:  # noqa: ANN401
        """Call what lets Airflow's SDK speak for the task."""
        services = self._services
        return await services.persistently(
            call,
            *arguments,
            say=self._log.say,
            threads=services.rendering,
            weight=self.order.weight,
        )

    async def _persist(self, call: Callable[..., Answer], *arguments: Any) -> Answer:  # noqa: ANN401
        """Call what blocks on the database, in a thread, until the database answers."""
        return await self._services.persistently(
            call, *arguments, say=self._log.say, weight=self.order.weight
        )


def _has_worker(row: Row) -> bool:
    return row.state == "running" and row.unixname != UNIX_NAME
