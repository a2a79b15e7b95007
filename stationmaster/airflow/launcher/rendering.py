"""Render a step's template with the context of one task instance, as a worker would.

Airflow's own context (`RuntimeTaskInstance.get_template_context`) is built on the task of the
serialized DAG; its requests (XComs, Variables, Connections) go to the API in this process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from airflow.sdk.definitions._internal.templater import NativeEnvironment, create_template_env
from airflow.sdk.definitions.context import render_template
from airflow.serialization.definitions.baseoperator import SerializedBaseOperator
from airflow.serialization.helpers import serialize_template_field

from stationmaster.airflow.contexts import count_shards, shard_contexts
from stationmaster.airflow.dates import parse_business_date
from stationmaster.airflow.launcher.mapping import Share, place, share_of
from stationmaster.airflow.launcher.plans import MemoryRules, plan_step
from stationmaster.airflow.launcher.template import XCOM_MARK, NeedsWorkerError, StepTemplate
from stationmaster.airflow.podmodels import read_pod
from stationmaster.airflow.repeating import retry_of
from stationmaster.airflow.sizedby import count_bytes

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    import jinja2
    from airflow.sdk import Context
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    from stationmaster.airflow.life.plan import StepPlan
    from stationmaster.ledger.store import Ledger

__all__ = ["RenderedStep", "Renderer", "task_option", "template_of"]

JINJA_MARKS: Final = ("{{", "{%", "{#")
OWN: Final = ("business_date", "step_params", "shards", "size", "input_bytes")
RENDERED: Final = (*OWN, "wishes", "fields")


@dataclass(frozen=True)
class RenderedStep:
    """Hold what a task instance became."""

    plan: StepPlan
    fields: dict[str, Any]
    """Rendered template fields for the UI, secrets masked."""
    map_label: str | None = None
    """The rendered map_index_template."""


def template_of(task: Any) -> StepTemplate:  # noqa: ANN401 (a serialized operator)
    """Return the template that the DAG file left in its serialized task.

    Raises:
        NeedsWorkerError: There is none, or it says why only a worker will do.
    """
    written = getattr(task, "launch", None)
    if not isinstance(written, str) or not written:
        message = "the serialized DAG holds no template of it"
        raise NeedsWorkerError(message)
    if not written.startswith("{"):
        raise NeedsWorkerError(written)
    return StepTemplate.model_validate_json(written)


@dataclass(frozen=True)
class Renderer:
    """Render one task instance.

    Args:
        ti: The task instance with its context, on the serialized task.
        namespace: Where pods go that name none.
        log_path: Airflow's relative path of the try's log.
        memory: How a step's memory may be enlarged.
        ledger: Knows the tries before this one.
    """

    ti: RuntimeTaskInstance
    namespace: str
    log_path: str | None
    memory: MemoryRules | None = None
    ledger: Ledger | None = None

    def render(self, template: StepTemplate, started_at: dt.datetime) -> RenderedStep:
        """Return the step, ready to be lived.

        Raises:
            NeedsWorkerError: An input cannot be read here.
            MisconfiguredError: A size, number of shards or date was rendered to nothing usable.
            Exception: Whatever a template raises.
        """
        context = self.ti.get_template_context()
        env = _environment(self.ti.task)
        values = self._values(template, context, env)
        where = self.ti.task_id
        job = template.catalog_job
        day = parse_business_date(values["business_date"], where=where)
        contexts = shard_contexts(
            context,
            job,
            business_date=day,
            params=values["step_params"],
            shards=count_shards(values["shards"], where=where),
            retry_of=self._retry_of(context, day),
        )
        plan = plan_step(
            contexts,
            job=job,
            wishes=read_pod(values["wishes"]),
            size=str(values["size"]),
            namespace=self.namespace,
            started_at=started_at,
            timeout_seconds=template.timeout_seconds,
            skip_exit_codes=template.skip_exit_codes,
            schedule_seconds=template.schedule_seconds,
            start_seconds=template.start_seconds,
            shards_at_once=template.shards_at_once,
            memory=self.memory,
            keep_pods=template.keep_pods,
            log_path=self.log_path,
            input_bytes=count_bytes(values["input_bytes"]),
        )
        label = _map_label({**context, "task": _RenderedTask(self.ti.task, values)}, env)
        return RenderedStep(plan, _shown(values), label)

    def _retry_of(self, context: Context, day: dt.date) -> tuple[str, ...]:
        if self.ledger is None:
            return ()
        return retry_of(context, int(task_option(self.ti.task, "retries")), day, self.ledger)

    def _values(
        self, template: StepTemplate, context: Context, env: jinja2.Environment
    ) -> dict[str, Any]:
        """Return the template's fields, rendered; those of a mapped step filled in."""
        told = {name: getattr(template, name) for name in RENDERED}
        share = Share({}, {})
        if template.expansion is not None:
            share = share_of(template.expansion, self.ti, context)
            place(told, share.templates)
        values = {name: self._fill(each, context, env) for name, each in told.items()}
        place(values, share.values)
        if template.expansion is not None:
            _refuse_misplaced(self.ti.task, template, values["step_params"])
        return values

    def _fill(self, value: Any, context: Context, env: jinja2.Environment) -> Any:  # noqa: ANN401
        """Return a JSON value with its Jinja rendered and its marks replaced."""
        if isinstance(value, str):
            return self._text(value, context, env)
        if isinstance(value, list):
            return [self._fill(each, context, env) for each in value]
        if isinstance(value, dict):
            if set(value) == {XCOM_MARK}:
                return self._upstream(value[XCOM_MARK])
            return {name: self._fill(each, context, env) for name, each in value.items()}
        return value

    def _text(self, value: str, context: Context, env: jinja2.Environment) -> Any:  # noqa: ANN401
        if not any(mark in value for mark in JINJA_MARKS):
            return value
        native = isinstance(env, NativeEnvironment)
        return render_template(env.from_string(value), cast("Any", context), native=native)

    def _upstream(self, mark: Mapping[str, str]) -> Any:  # noqa: ANN401 (an XCom may be anything)
        return self.ti.xcom_pull(
            task_ids=mark["task_id"], key=mark["key"], default=None, map_indexes=None
        )


class _RenderedTask:
    """Stand for the task in `map_index_template`: its fields are the rendered ones."""

    def __init__(self, task: object, values: Mapping[str, Any]) -> None:
        own = {name: values[name] for name in OWN}
        vars(self).update(values["fields"] | own)
        self._task = task

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (as the task)
        return getattr(self._task, name)


def task_option(task: Any, name: str) -> Any:  # noqa: ANN401 (a serialized operator)
    """Return an argument of a task; a mapped one keeps them apart."""
    if not task.is_mapped:
        return getattr(task, name)
    return task.partial_kwargs.get(name, getattr(SerializedBaseOperator, name))


def _refuse_misplaced(task: Any, template: StepTemplate, params: Mapping[str, Any]) -> None:  # noqa: ANN401 (as above)
    """Leave a parameter in the wrong place to StepOperator, whose words explain it."""
    for name in task.params:
        if name in template.job.params and name not in params:
            message = f"params= has {name!r}, which is a parameter of the job"
            raise NeedsWorkerError(message)


def _environment(task: Any) -> jinja2.Environment:  # noqa: ANN401 (a serialized operator)
    own = task_option(task, "render_template_as_native_obj")
    native = task.dag.render_template_as_native_obj if own is None else own
    return create_template_env(native=bool(native))


def _shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the UI shows under "Rendered templates", masked as a worker masks it."""
    from airflow.sdk._shared.secrets_masker import redact  # noqa: PLC0415 (only to show)

    own = {name: values[name] for name in OWN if values[name] is not None}
    told = {**values["fields"], **own}
    return {name: redact(serialize_template_field(each, name), name) for name, each in told.items()}


def _map_label(context: Mapping[str, Any], env: jinja2.Environment) -> str | None:
    template = context.get("map_index_template")
    if template is None:
        return None
    return str(env.from_string(template).render(context))
