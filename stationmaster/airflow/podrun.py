"""A step's pods lived from a worker: the same loop as the launcher's, for one step."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stationmaster.airflow.life.findings import Verdict
from stationmaster.airflow.life.stopping import StopSignal
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.sdk import Context

    from stationmaster.airflow.life.endpoint import Endpoint
    from stationmaster.airflow.life.plan import StepEnd, StepPlan
    from stationmaster.airflow.operator import StepOperator
    from stationmaster.step.protocol import StepContext

__all__ = ["PodRun", "log_path_of", "worker_run"]

LAST_SECONDS: Final = 15.0
"""How long a stopped run may take to delete its pods before the worker goes on without it."""


class PodRun:
    """Live a step in a thread, so that signals and Airflow's timeout reach the worker meanwhile.

    Args:
        plan: The step.
        say: Takes sentences for the task's log.
        still_wanted: Asks Airflow whether the task is still running; called when a signal came.
        config_file: A kubeconfig, where the author chose one.
        cluster_context: Its context.
        in_cluster: True: only the pod's service account; False: only a kubeconfig.
    """

    def __init__(  # noqa: PLR0913 (one keyword for each way to name a cluster)
        self,
        plan: StepPlan,
        say: Callable[[str], None],
        still_wanted: Callable[[], bool],
        *,
        config_file: Path | None = None,
        cluster_context: str | None = None,
        in_cluster: bool | None = None,
    ) -> None:
        self._plan = plan
        self._say = say
        self._still_wanted = still_wanted
        self._config_file = config_file
        self._cluster_context = cluster_context
        self._in_cluster = in_cluster
        self._stop = StopSignal()
        self._end: StepEnd | None = None
        self._error: BaseException | None = None

    def run(self) -> StepEnd:
        """Return how the step ended."""
        thread = threading.Thread(target=self._run_in_thread, name="step", daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                thread.join(1.0)
        except BaseException:  # Airflow's timeout comes as an exception in this thread
            self._stop.set(Verdict.TIMED_OUT)
            thread.join(LAST_SECONDS)
            raise
        if self._error is not None:
            raise self._error
        assert self._end is not None  # noqa: S101 (the thread ended without an error)
        return self._end

    def on_signal(self) -> None:
        """Find out what a signal means: a user's kill deletes the pods, a shutdown leaves them."""
        threading.Thread(target=self._decide, name="step-signal", daemon=True).start()

    def _decide(self) -> None:
        try:
            wanted = self._still_wanted()
        except Exception as error:  # noqa: BLE001 (whatever it is: the pods are not for it to end)
            self._say(f"Airflow does not say whether the task is still wanted ({error}).")
            wanted = True
        if not wanted:
            self._say("Airflow took the task away: its pods are stopped.")
            self._stop.set(Verdict.KILLED_BY_USER)
            return
        # Raising would be a failed try. Going on costs nothing: when this process is killed, the
        # launcher notices its silence, and the next worker finds the pods by name.
        self._say("This worker is told to go; it watches on until it is killed.")

    def _run_in_thread(self) -> None:
        try:
            asyncio.run(self._live())
        except BaseException as error:  # noqa: BLE001 (raised again in the worker's own thread)
            self._error = error

    async def _live(self) -> None:
        from stationmaster.airflow.launcher.tracing import traced  # noqa: PLC0415 (aiohttp)
        from stationmaster.airflow.life.attempts import Platform, live  # noqa: PLC0415 (aiohttp)
        from stationmaster.airflow.life.cluster import Cluster  # noqa: PLC0415 (as above)
        from stationmaster.airflow.life.names import SELECTOR, TRY_ID_LABEL  # noqa: PLC0415
        from stationmaster.airflow.life.nodebook import NodeBook  # noqa: PLC0415 (as above)
        from stationmaster.airflow.life.podwatch import PodWatch  # noqa: PLC0415 (as above)
        from stationmaster.ledger.cost.prices import PriceBook  # noqa: PLC0415 (as above)
        from stationmaster.ledger.cost.settings import CostSettings  # noqa: PLC0415 (as above)
        from stationmaster.ledger.recorder import Recorder  # noqa: PLC0415 (SQLAlchemy)
        from stationmaster.ledger.store import Ledger  # noqa: PLC0415 (as above)
        from stationmaster.step.settings import Settings  # noqa: PLC0415 (as above)

        settings = Settings()
        endpoint = await self._endpoint(settings.kubernetes_url)
        selector = f"{SELECTOR},{TRY_ID_LABEL}={self._plan.context.try_id}"
        ledger = Ledger.open(settings.ledger_location)
        spool = settings.home / f"ledger-spool-{self._plan.context.try_id}.jsonl"
        async with (
            Recorder(ledger, spool, say=self._say) as recorder,
            Cluster(endpoint) as cluster,
            PodWatch(cluster, selector=selector) as watch,
            NodeBook(cluster, PriceBook.for_recording(CostSettings(), self._say)) as nodes,
            traced(nodes.recording(recorder.record), cluster) as record,
        ):
            platform = Platform(cluster, watch, record, self._say, seen=nodes.notice_of)
            # No release: Airflow persists the end after `execute` returns, and no pod goes
            # before. The launcher frees them when it hears of the worker's end, else the reaper.
            self._end = await live(self._plan, platform, self._stop)

    async def _endpoint(self, url: str) -> Endpoint:
        """Return where the cluster is.

        Raises:
            MisconfiguredError: None is to be found.
        """
        from kubernetes_asyncio.config import ConfigException  # noqa: PLC0415 (0.4 s, 38 MiB)

        from stationmaster.airflow.life.endpoint import discover, plain  # noqa: PLC0415 (as above)

        if url:
            return plain(url)
        try:
            return await discover(
                config_file=self._config_file,
                context=self._cluster_context,
                in_cluster_only=self._in_cluster,
            )
        except ConfigException as error:
            raise MisconfiguredError(
                where="the cluster that steps run in",
                expected="a pod's service account, or a kubeconfig (config_file=, KUBECONFIG, "
                "~/.kube/config)",
                got=" ".join(str(error).split()),
                hint="Run the worker in the cluster, name a kubeconfig, or set "
                "STATIONMASTER_RUNTIME=process.",
            ) from error


def worker_run(operator: StepOperator, context: Context, contexts: list[StepContext]) -> PodRun:
    """Return the run of an operator's try on this worker."""
    from stationmaster.airflow.life.sizefacts import size_facts_of  # noqa: PLC0415 (as above)

    ti: Any = context["ti"]
    plan = _plan_of(operator, context, contexts)
    if why := size_facts_of(plan.pod).size_why:
        operator.log.info("Memory: %s", why)

    def still_wanted() -> bool:
        states = ti.get_task_states(
            dag_id=ti.dag_id, task_ids=[ti.task_id], run_ids=[ti.run_id], map_index=ti.map_index
        )
        return "running" in {str(each) for run in states.values() for each in run.values()}

    return PodRun(
        plan,
        operator.log.info,
        still_wanted,
        config_file=Path(operator.config_file) if operator.config_file else None,
        cluster_context=operator.cluster_context,
        in_cluster=operator.in_cluster,
    )


def _plan_of(operator: StepOperator, context: Context, contexts: list[StepContext]) -> StepPlan:
    from stationmaster.airflow.catalog import find_job  # noqa: PLC0415 (as above)
    from stationmaster.airflow.launcher.plans import MemoryRules, plan_step  # noqa: PLC0415 (as above)
    from stationmaster.airflow.sizedby import count_bytes  # noqa: PLC0415 (as above)
    from stationmaster.airflow.sizing import size_book, sized  # noqa: PLC0415 (as above)
    from stationmaster.step.settings import Settings  # noqa: PLC0415 (as above)

    ti: Any = context["ti"]
    timeout = operator.execution_timeout
    settings = Settings()
    plan = plan_step(
        contexts,
        job=find_job(operator.job),
        wishes=operator.wishes(),
        size=operator.size,
        namespace=settings.steps_namespace,
        started_at=ti.start_date,
        timeout_seconds=timeout.total_seconds() if timeout else None,
        skip_exit_codes=tuple(code for code in range(1, 256) if code in operator.skip_on_exit_code),
        schedule_seconds=operator.schedule_seconds,
        start_seconds=operator.start_seconds,
        shards_at_once=operator.shards_at_once,
        memory=MemoryRules.of(settings),
        keep_pods=operator.keeps_pods,
        log_path=log_path_of(context),
        input_bytes=count_bytes(operator.input_bytes),
    )

    return sized(plan, size_book(settings))


def log_path_of(context: Context) -> str:
    """Return Airflow's relative path of the try's log, as the scheduler renders it.

    No worker is told: the path is made of `[logging] log_filename_template` and the task
    instance, here as there (`ExecuteTask.make`).
    """
    from airflow.utils.helpers import (  # noqa: PLC0415 (a worker of pods only)
        log_filename_template_renderer,
    )

    return str(log_filename_template_renderer()(ti=_WithRun(context)))


class _WithRun:
    """Stand for the scheduler's task instance, which knows its run."""

    def __init__(self, context: Context) -> None:
        self._ti = context["ti"]
        self.dag_run = context["dag_run"]
        self.logical_date = self.dag_run.logical_date

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (as the task instance)
        return getattr(self._ti, name)
