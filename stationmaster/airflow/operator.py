"""StepOperator: a step of a pipeline, as a local process or as pods."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator

from stationmaster.airflow.arguments import check_arguments
from stationmaster.airflow.catalog import find_job
from stationmaster.airflow.completing import refuse_misplaced_params, urgency, with_defaults
from stationmaster.airflow.contexts import count_shards, example_context, shard_contexts
from stationmaster.airflow.current import current_settings
from stationmaster.airflow.dates import business_date_template, parse_business_date
from stationmaster.airflow.ends import outcome, read_end
from stationmaster.airflow.exceptions import StepMisconfiguredError
from stationmaster.airflow.launcher.template import NeedsWorkerError
from stationmaster.airflow.launcher.writing import configured_name, why_worker, write_template
from stationmaster.airflow.localrun import line_writer, local_run, outcome_of_processes
from stationmaster.airflow.mapped import step_partial
from stationmaster.airflow.podrun import PodRun, worker_run
from stationmaster.airflow.poolshares import share_of
from stationmaster.airflow.repeating import retry_of_here
from stationmaster.airflow.results import sentences
from stationmaster.airflow.sizes import resources_of
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow.sdk import Context
    from airflow.sdk.definitions.mappedoperator import OperatorPartial
    from kubernetes.client import V1Pod  # type: ignore[import-untyped]

    from stationmaster.airflow.process import LocalRun
    from stationmaster.step.protocol import StepContext

__all__ = ["StepOperator"]


class StepOperator(KubernetesPodOperator):
    """Run a job of the catalog as one step.

    Every argument of KubernetesPodOperator is honoured, or refused with a sentence that says why
    (`stationmaster.airflow.arguments`).

    Args:
        job: Name of a job in the catalog.
        business_date: The day to work on, templated; the day before the run by default.
        step_params: Parameters of the job, templated, over the defaults of its job.yaml.
            (`params=` is Airflow's own and stays that.)
        size: xs, s, m, l or xl; the job's own by default.
        shards: In how many parts the work is split: a number, a template, an upstream task's
            output, or a function of the task's context that returns the number.
        shards_at_once: How many of them have a pod at a time; all, or what a measured pool holds.
        urgent: It goes before others: in Airflow's queue, in the launcher's, and to nodes.
        input_bytes: What all its shards together read, where it is known before the start: a
            number, a template, or several of them, which are added up.
        runtime: "process" or "kubernetes"; the setting STATIONMASTER_RUNTIME by default.

    Raises:
        MisconfiguredError: Unknown job or size, or an argument that a step refuses.
    """

    template_fields = (
        *KubernetesPodOperator.template_fields,
        "business_date",
        "step_params",
        "shards",
        "size",
        "input_bytes",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        **KubernetesPodOperator.template_fields_renderers,
        "step_params": "json",
    }
    ui_color = "#e8f1f8"

    def __init__(  # noqa: PLR0913 (one keyword for each thing an author may choose)
        self,
        *,
        job: str,
        business_date: str | None = None,
        step_params: Mapping[str, Any] | None = None,
        size: str | None = None,
        shards: int | str | Callable[[Context], int] = 1,
        shards_at_once: int | None = None,
        urgent: bool = False,
        input_bytes: int | str | Sequence[int | str] | None = None,
        runtime: str | None = None,
        **kwargs: Any,  # noqa: ANN401 (Airflow's own arguments, of many types)
    ) -> None:
        task_id = str(kwargs.get("task_id"))
        defaults = dict(kwargs.get("default_args") or {})
        check_arguments(task_id, {**defaults, **kwargs})
        settings = current_settings()
        found = find_job(job, settings)
        self.job = job
        self.business_date = business_date or business_date_template(settings.zone)
        self.step_params = {} if step_params is None else step_params
        self.size: str = size or found.file.size
        if "{{" not in str(self.size):
            resources_of(self.size)
        # A function is kept apart: Airflow would call it while rendering, before the context
        # that it is a function of is whole.
        self.count_shards = shards if callable(shards) else None
        self.shards = 1 if callable(shards) else shards
        self.runtime = runtime or settings.runtime
        given = {**defaults, **kwargs}
        self.schedule_seconds: float | None = given.get("schedule_timeout_seconds")
        self.start_seconds: float | None = given.get("startup_timeout_seconds")
        share = share_of(
            task_id,
            {**given, "shards": shards, "shards_at_once": shards_at_once},
            size=str(self.size),
            is_interruptible=found.file.interruptible,
        )
        self.shards_at_once = share.shards_at_once
        self.urgent = urgent
        self.input_bytes = input_bytes
        own = with_defaults(kwargs, defaults, found) | urgency(given, is_urgent=urgent)
        super().__init__(**own | share.pool_arguments)
        if self.runtime == "kubernetes":
            self.namespace = self.namespace or settings.steps_namespace
            # Also where only a worker will do: no other executor finds it again after a restart.
            self.executor = self.executor or configured_name()
        refuse_misplaced_params(self.task_id, self.params, found, self.step_params)
        self._run: LocalRun | PodRun | None = None

    @classmethod
    def partial(cls, **kwargs: Any) -> OperatorPartial:  # noqa: ANN401 (as __init__)
        """Return the start of a mapped step (`.expand(...)` makes it), checked as far as it is.

        Raises:
            MisconfiguredError: Unknown job, or an argument that a step refuses.
        """
        check_arguments(str(kwargs.get("task_id")), kwargs)
        job = find_job(kwargs["job"]) if "job" in kwargs else None
        return step_partial(super().partial(**kwargs), kwargs, job)

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the step and return references to what it read and wrote.

        Raises:
            StepFailedError: The step failed; the class says what to do about it.
            AirflowSkipException: It ended with an exit code of `skip_on_exit_code`.
        """
        try:
            contexts = self._contexts(context)
            if self.runtime == "kubernetes":
                return self._run_pods(context, contexts)
            return self._run_locally(contexts)
        except MisconfiguredError as error:
            raise StepMisconfiguredError(str(error), exit_code=error.exit_code) from error

    def finish(self, context: Context, end: str, try_id: str) -> dict[str, Any]:
        """Return or raise what the launcher saw of the step's pods, where code must follow.

        Args:
            context: Of the task.
            end: A StepEnd as JSON.
            try_id: Whose end it is; Airflow keeps it when it clears a task that is being ended.

        Raises:
            StepFailedError: As `execute`.
            AirflowSkipException: As `execute`.
        """
        if str(context["ti"].id) != try_id:
            # Airflow keeps the earlier try's start as well; the timeout counts from this one's.
            context["ti"].start_date = dt.datetime.now(dt.UTC)
            return self.execute(context)
        day = parse_business_date(self.business_date, where=self.task_id)
        return self._told(outcome(self.job, read_end(end), day, self.skip_on_exit_code))

    def on_kill(self) -> None:
        """Stop the step's processes cleanly; `execute` then raises StepStoppedError.

        Its pods are stopped only where Airflow has taken the task away: a worker that shuts
        down leaves them to the next one.
        """
        self._killed = True
        if isinstance(self._run, PodRun):
            self._run.on_signal()
        elif self._run is not None:
            self.log.warning("Stopping %s, as Airflow asks.", self.job)
            self._run.stop()

    @classmethod
    def get_serialized_fields(cls) -> frozenset[str]:
        """Return the fields that the serialized DAG holds: the launcher's template is one."""
        theirs = super().get_serialized_fields()  # type: ignore[no-untyped-call]
        return frozenset({*theirs, "launch"})

    @property
    def launch(self) -> str | None:
        """Return the template that the launcher runs the step by, or why only a worker can."""
        if self.runtime != "kubernetes":
            return None
        try:
            return write_template(self).model_dump_json(exclude_defaults=True, by_alias=True)
        except NeedsWorkerError as reason:
            return str(reason)

    def build_pod_request_obj(
        self, context: Context | None = None, *, dry_run: bool = False
    ) -> V1Pod:
        """Return the pod of the step's first shard; an example of one without a context."""
        del dry_run
        return self.build_pods(context)[0]

    def build_pods(self, context: Context | None = None) -> list[V1Pod]:
        """Return the pods that this try is on Kubernetes, one a shard.

        Raises:
            MisconfiguredError: Size, shards or business date were rendered to something unusable.
        """
        from stationmaster.airflow.pods import build_pod  # noqa: PLC0415 (a process needs none)

        job = find_job(self.job)
        contexts = (
            self._contexts(context)
            if context
            else [example_context(self.dag_id, self.task_id, job)]
        )
        wishes, resources = self.wishes(), resources_of(self.size)
        return [build_pod(wishes, job, resources, each) for each in contexts]

    def wishes(self) -> V1Pod:
        """Return the pod that KubernetesPodOperator's own arguments describe."""
        pushes, self.do_xcom_push = self.do_xcom_push, False  # True would mean a sidecar
        try:
            # Without a context, since our labels find the pod; and as a dry run, since whether
            # we are inside a cluster is no business of the pod.
            return super().build_pod_request_obj(None, dry_run=True)
        finally:
            self.do_xcom_push = pushes

    @property
    def keeps_pods(self) -> bool:
        """Tell whether finished pods stay for the reaper."""
        return bool(self.on_finish_action.value == "keep_pod")

    def _run_pods(self, context: Context, contexts: list[StepContext]) -> dict[str, Any]:
        """Live the step's pods from this worker, by the loop that the launcher runs them by."""
        reason = why_worker(self)
        if not reason and configured_name() is None:
            reason = "Airflow's configuration names no StepExecutor for it"
        if reason:  # else the launcher has said why
            self.log.info("%s runs on a worker: %s.", self.job, reason)
        self._run = run = worker_run(self, context, contexts)
        try:
            end = run.run()
        finally:
            self._run = None
        day = contexts[0].business_date
        return self._told(outcome(self.job, end, day, self.skip_on_exit_code))

    def _told(self, pushed: dict[str, Any]) -> dict[str, Any]:
        for line in sentences(pushed):
            self.log.info(line)
        return pushed

    def _contexts(self, context: Context) -> list[StepContext]:
        counted = self.count_shards(context) if self.count_shards else self.shards
        day = parse_business_date(self.business_date, where=self.task_id)
        return shard_contexts(
            context,
            find_job(self.job),
            business_date=day,
            params=self.step_params,
            shards=count_shards(counted, where=self.task_id),
            retry_of=retry_of_here(context, self.retries or 0, day),
        )

    def _run_locally(self, contexts: list[StepContext]) -> dict[str, Any]:
        self._run = run = local_run(self, contexts)
        try:
            outcomes = run.run(line_writer(self, self._progress_callback))
        finally:
            self._run = None
        return self._told(outcome_of_processes(self, contexts, outcomes))
