"""From an operator, as a DAG file made it, to the template that the launcher runs it by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from stationmaster.airflow.catalog import find_job
from stationmaster.airflow.launcher.plain import plain
from stationmaster.airflow.launcher.template import NeedsWorkerError, StepTemplate
from stationmaster.airflow.launcher.wishes import plain_wishes

if TYPE_CHECKING:
    from stationmaster.airflow.operator import StepOperator

__all__ = ["configured_name", "why_worker", "write_template"]

EXECUTOR_PATH: Final = "stationmaster.airflow.executor.StepExecutor"
OWN_FIELDS: Final = frozenset({"business_date", "step_params", "shards", "size", "input_bytes"})
NEVER_SHOWN: Final = OWN_FIELDS | {"trigger_kwargs", "name", "pod_template_dict"}
OVERRIDABLE: Final = (
    "execute",
    "pre_execute",
    "post_execute",
    "build_pod_request_obj",
    "build_pods",
    "render_template_fields",
    "prepare_template",
)


def configured_name() -> str | None:
    """Return the name by which Airflow's configuration knows StepExecutor; None when it doesn't."""
    from airflow.sdk.configuration import conf  # noqa: PLC0415 (read when asked)

    for entry in str(conf.get("core", "executor", fallback="")).split(","):
        alias, _, path = entry.strip().rpartition(":")
        if path == EXECUTOR_PATH:
            return alias or EXECUTOR_PATH.rpartition(".")[2]
    return None


def why_worker(operator: StepOperator) -> str:
    """Return why only a worker can run the step, in words; "" when the launcher can."""
    dag = operator.dag if operator.has_dag() else None  # type: ignore[no-untyped-call]
    reasons = {
        "shards= is a function": operator.count_shards is not None,
        "it has an on_execute_callback": bool(operator.on_execute_callback),
        "it has a pre_execute or post_execute hook": bool(
            operator._pre_execute_hook  # noqa: SLF001 (where Airflow keeps it)
            or operator._post_execute_hook  # noqa: SLF001 (as above)
        ),
        "it has a progress_callback or log_formatter": bool(
            operator._progress_callback  # noqa: SLF001 (where the provider keeps it)
            or operator.log_formatter
        ),
        "run_as_user= is set": bool(operator.run_as_user),
        "it chooses its own cluster": bool(
            operator.config_file or operator.cluster_context or operator.in_cluster is not None
        ),
        "the pod comes from a template file": bool(operator.pod_template_file),
        "its class overrides what a step does": _overrides(operator),
        "the DAG has Jinja macros, filters or settings of its own": bool(
            dag is not None
            and (
                dag.user_defined_macros
                or dag.user_defined_filters
                or dag.jinja_environment_kwargs
                or dag.template_undefined.__name__ != "StrictUndefined"
            )
        ),
        "Airflow's settings have a pod_mutation_hook": _mutates_pods(),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def write_template(operator: StepOperator) -> StepTemplate:
    """Return the operator as a template.

    Raises:
        NeedsWorkerError: It holds what no document can; the message is the reason.
        MisconfiguredError: The catalog no longer has its job.
    """
    if reason := why_worker(operator):
        raise NeedsWorkerError(reason)
    job = find_job(operator.job)
    timeout = operator.execution_timeout
    return StepTemplate(
        image=job.image,
        job=job.file,
        placement=job.placement,
        wishes=plain_wishes(operator),
        business_date=plain(operator.business_date),
        step_params=plain(operator.step_params),
        shards=plain(operator.shards),
        size=str(operator.size),
        input_bytes=plain(operator.input_bytes),
        skip_exit_codes=_skip_exit_codes(operator.skip_on_exit_code),
        timeout_seconds=timeout.total_seconds() if timeout else None,
        schedule_seconds=operator.schedule_seconds,
        start_seconds=operator.start_seconds,
        shards_at_once=operator.shards_at_once,
        keep_pods=operator.keeps_pods,
        returns_dag_result=bool(operator.returns_dag_result),
        ends_on_worker=_why_end_on_worker(operator),
        fields=_other_fields(operator),
    )


def _skip_exit_codes(codes: object) -> tuple[int, ...]:
    if not isinstance(codes, Iterable):
        message = "skip_on_exit_code= is an object with rules of its own"
        raise NeedsWorkerError(message)
    return tuple(int(code) for code in codes)


def _overrides(operator: StepOperator) -> bool:
    from stationmaster.airflow.operator import StepOperator as Ours  # noqa: PLC0415 (a circle)

    mine, theirs = type(operator), Ours
    return (
        any(getattr(mine, name) is not getattr(theirs, name) for name in OVERRIDABLE)
        or mine.__init__ is not theirs.__init__
    )


def _mutates_pods() -> bool:
    from airflow.settings import pod_mutation_hook  # noqa: PLC0415 (settings may be replaced)

    return pod_mutation_hook.__module__ != "airflow.settings"


def _why_end_on_worker(operator: StepOperator) -> str:
    if operator.on_success_callback:
        return "on_success_callback"
    if operator.on_skipped_callback:
        return "on_skipped_callback"
    return ""


def _other_fields(operator: StepOperator) -> dict[str, Any]:
    told = {name: getattr(operator, name, None) for name in operator.template_fields}
    return {name: plain(each) for name, each in told.items() if each and name not in NEVER_SHOWN}
