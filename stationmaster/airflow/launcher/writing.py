"""From an operator, as a DAG file made it, to the template that the launcher runs it by."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk.definitions.xcom_arg import PlainXComArg, XComArg

from stationmaster.airflow.catalog import find_job
from stationmaster.airflow.launcher.template import XCOM_MARK, NeedsWorkerError, StepTemplate

if TYPE_CHECKING:
    from stationmaster.airflow.operator import StepOperator

__all__ = ["configured_name", "plain", "why_worker", "write_template"]

EXECUTOR_PATH: Final = "stationmaster.airflow.executor.StepExecutor"
OWN_FIELDS: Final = frozenset({"business_date", "step_params", "shards", "size"})
NEVER_SHOWN: Final = OWN_FIELDS | {"trigger_kwargs", "name", "pod_template_dict"}
TEMPLATE_FILES: Final = (".json", ".yaml", ".yml")
"""Endings of texts that Airflow reads as files next to the DAG's (KubernetesPodOperator)."""

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
        wishes=_plain_wishes(operator),
        business_date=plain(operator.business_date),
        step_params=plain(operator.step_params),
        shards=plain(operator.shards),
        size=str(operator.size),
        skip_exit_codes=_skip_exit_codes(operator.skip_on_exit_code),
        timeout_seconds=timeout.total_seconds() if timeout else None,
        schedule_seconds=operator.schedule_seconds,
        start_seconds=operator.start_seconds,
        keep_pods=operator.keeps_pods,
        returns_dag_result=bool(operator.returns_dag_result),
        ends_on_worker=_why_end_on_worker(operator),
        fields=_other_fields(operator),
    )


def plain(value: Any) -> Any:  # noqa: ANN401 (anything a DAG's author may write)
    """Return a value as JSON, Jinja left as it is.

    Raises:
        NeedsWorkerError: It is code, or an object that JSON has no form for.
    """
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, XComArg):
        return _mark(value)
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    return value.isoformat() if isinstance(value, dt.date) else _plain_model(value)


def _text(value: str) -> str:
    if value.endswith(TEMPLATE_FILES):
        message = f"{value!r} would be read as a template file"
        raise NeedsWorkerError(message)
    return str(value)


def _plain_model(value: Any) -> dict[str, Any]:  # noqa: ANN401 (as `plain`)
    """Return a model of the Kubernetes client as the API writes it."""
    if hasattr(value, "openapi_types") and hasattr(value, "attribute_map"):
        told = {key: getattr(value, name) for name, key in value.attribute_map.items()}
        return {key: plain(each) for key, each in told.items() if each is not None}
    message = f"{type(value).__name__} objects cannot be written into the serialized DAG"
    raise NeedsWorkerError(message)


def _plain_wishes(operator: StepOperator) -> dict[str, Any]:
    twin = copy.copy(operator)  # building a pod changes the operator: env_vars grows
    if not isinstance(twin.env_vars, dict):
        twin.env_vars = list(twin.env_vars)
    if _holds_braces(_untemplated(operator)):
        message = "braces stand in an argument that is not templated"
        raise NeedsWorkerError(message)
    wishes: dict[str, Any] = plain(twin.wishes())
    return wishes


def _untemplated(operator: StepOperator) -> list[Any]:
    """Return those of the pod's arguments that Airflow does not render."""
    names = (
        "affinity",
        "full_pod_spec",
        "init_containers",
        "tolerations",
        "host_aliases",
        "pod_runtime_info_envs",
        "ports",
        "security_context",
        "container_security_context",
        "service_account_name",
        "priority_class_name",
        "runtime_class_name",
        "schedulername",
        "secrets",
        "dns_config",
        "image_pull_secrets",
        "subdomain",
    )
    return [getattr(operator, name, None) for name in names]


def _holds_braces(values: Iterable[object]) -> bool:
    return any(mark in str(values) for mark in ("{{", "{%", "{#"))


def _mark(argument: XComArg) -> dict[str, Any]:
    if not isinstance(argument, PlainXComArg):
        message = "an upstream's output is mapped, zipped or joined by a function"
        raise NeedsWorkerError(message)
    upstream = argument.operator
    if upstream.is_mapped or upstream.get_closest_mapped_task_group() is not None:
        message = f"the outputs of all map indexes of {upstream.task_id} are read"
        raise NeedsWorkerError(message)
    return {XCOM_MARK: {"task_id": upstream.task_id, "key": argument.key}}


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
