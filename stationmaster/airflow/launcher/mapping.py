"""Mapped steps: what `.expand()` maps over, written by the DAG file, resolved by the launcher.

A mapped step has one template for all of its task instances, made of what `.partial()` was told.
What is mapped is written beside it, and filled in when a task instance starts: Airflow's own
code picks the task instance's share (`DictOfListsExpandInput.resolve`), from literals and from
the XComs of upstream tasks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk.definitions._internal.expandinput import (
    DictOfListsExpandInput,
    ListOfDictsExpandInput,
)
from airflow.sdk.definitions.xcom_arg import PlainXComArg, XComArg

from stationmaster.airflow.launcher.plain import plain
from stationmaster.airflow.launcher.template import (
    XCOM_MARK,
    Expansion,
    NeedsWorkerError,
    StepTemplate,
)
from stationmaster.airflow.launcher.writing import OWN_FIELDS, write_template
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow.sdk import Context
    from airflow.sdk.definitions.mappedoperator import MappedOperator
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    from stationmaster.airflow.operator import StepOperator

__all__ = ["Share", "names_of", "place", "share_of", "write_mapped"]

POD_LISTS: Final = {"arguments": "args", "cmds": "command"}
POD_MAPPINGS: Final = frozenset({"labels", "annotations"})
POD_FIELDS: Final = frozenset({*POD_LISTS, *POD_MAPPINGS, "env_vars", "image"})
"""Arguments of the pod that a mapping may fill in; all others need the operator's code."""
MAPPABLE: Final = OWN_FIELDS | POD_FIELDS

UNKNOWN: Final = ""
"""Stands for parameters that the mapping may bring; no author writes it, since it is no mapping."""


@dataclass(frozen=True)
class Share:
    """Hold the arguments that one task instance of a mapped step has of its own."""

    templates: dict[str, Any]
    """Still to be rendered."""
    values: dict[str, Any]
    """XComs of upstream tasks: Airflow renders no template that another task wrote."""


def write_mapped(mapped: MappedOperator) -> StepTemplate:
    """Return the template of a mapped step.

    Raises:
        NeedsWorkerError: It holds what no document can; the message is the reason.
        MisconfiguredError: The catalog has no such job, or an argument is refused.
    """
    if "job" not in mapped.partial_kwargs:
        message = "job= is mapped"
        raise NeedsWorkerError(message)
    source = mapped.expand_input
    names = names_of(source.value, source.EXPAND_INPUT_TYPE)
    twin = _twin(mapped)
    overridable = not mapped._disallow_kwargs_override  # noqa: SLF001 (where Airflow keeps it)
    expansion = Expansion(
        kind=source.EXPAND_INPUT_TYPE,
        value=_plain_source(source.value),
        taken=() if overridable else tuple(sorted(MAPPABLE.intersection(mapped.partial_kwargs))),
        pod_is_plain=not (twin.full_pod_spec or twin.pod_template_dict),
    )
    _refuse(names, expansion)
    template = write_template(twin)
    params = {} if template.step_params == UNKNOWN else template.step_params
    return template.model_copy(update={"expansion": expansion, "step_params": params})


def share_of(expansion: Expansion, ti: RuntimeTaskInstance, context: Context) -> Share:
    """Return what a task instance has of its own.

    Raises:
        NeedsWorkerError: An argument is mapped that only the operator's code can take.
        Exception: Whatever Airflow raises where an upstream's output cannot be mapped over.
    """
    source: DictOfListsExpandInput | ListOfDictsExpandInput
    if expansion.kind == "dict-of-lists":
        value = {name: _restored(each, ti) for name, each in expansion.value.items()}
        source = DictOfListsExpandInput(value)
    elif isinstance(expansion.value, list):
        source = ListOfDictsExpandInput([_restored(each, ti) for each in expansion.value])
    else:
        source = ListOfDictsExpandInput(_restored(expansion.value, ti))
    found, resolved = source.resolve(context)
    _refuse(found, expansion)
    return Share(
        {name: each for name, each in found.items() if id(each) not in resolved},
        {name: each for name, each in found.items() if id(each) in resolved},
    )


def place(values: dict[str, Any], arguments: dict[str, Any]) -> None:
    """Put mapped arguments where a step that is not mapped has them.

    Args:
        values: A template's own fields, `wishes` and `fields`; changed.
        arguments: By name.

    Raises:
        NeedsWorkerError: One has a type that only the operator's code can take or refuse.
    """
    for name, value in arguments.items():
        if name in OWN_FIELDS and value is not None:
            values[name] = value
        elif name in POD_FIELDS and value:
            values["fields"] = {**values["fields"], name: value}
            _place_in_pod(values["wishes"], name, value)


def _place_in_pod(pod: dict[str, Any], name: str, value: Any) -> None:  # noqa: ANN401 (any XCom)
    container = pod["spec"]["containers"][0]
    if name in POD_LISTS:
        container[POD_LISTS[name]] = list(_typed(name, value, list | tuple))
    elif name in POD_MAPPINGS:
        pod["metadata"][name] = dict(_typed(name, value, dict))
    elif name == "image":
        container["image"] = _typed(name, value, str)
    else:
        given = _typed(name, value, dict)
        own = [{"name": key, "value": each} for key, each in given.items()]
        container["env"] = [*own, *(container.get("env") or [])]


def _typed(name: str, value: Any, kind: Any) -> Any:  # noqa: ANN401 (any XCom, any kind)
    if not isinstance(value, kind):
        message = f"{name}= is mapped over values of type {type(value).__name__}"
        raise NeedsWorkerError(message)
    return value


def names_of(value: Any, kind: str) -> set[str]:  # noqa: ANN401 (what an author mapped over)
    """Return the arguments that are known to be mapped when the DAG file is parsed."""
    if kind == "dict-of-lists":
        return set(value)
    if isinstance(value, XComArg):
        return set()
    return {name for each in value if isinstance(each, dict) for name in each}


def _refuse(names: Iterable[str], expansion: Expansion) -> None:
    for name in sorted(names):
        if name not in MAPPABLE:
            message = f"{name}= is mapped, and only its code can take that"
            raise NeedsWorkerError(message)
        if name in expansion.taken:
            message = f"{name}= is mapped, and .partial() has it already"
            raise NeedsWorkerError(message)
        if name in POD_FIELDS and not expansion.pod_is_plain:
            message = f"{name}= is mapped over a pod that is described elsewhere"
            raise NeedsWorkerError(message)


def _twin(mapped: MappedOperator) -> StepOperator:
    """Return the step as it would be without the arguments that are mapped."""
    unknown = {} if "step_params" in mapped.partial_kwargs else {"step_params": UNKNOWN}
    try:
        twin: StepOperator = mapped.unmap(unknown)  # type: ignore[assignment]
    except MisconfiguredError:
        raise
    except Exception as error:
        message = f"it cannot be made without what is mapped ({type(error).__name__}: {error})"
        raise NeedsWorkerError(message) from error
    return twin


def _plain_source(value: Any) -> Any:  # noqa: ANN401 (what an author mapped over)
    if isinstance(value, XComArg):
        return _mark(value)
    if isinstance(value, dict):
        return {name: _plain_source_of_one(each) for name, each in value.items()}
    return [_plain_source_of_one(each) for each in value]


def _plain_source_of_one(value: Any) -> Any:  # noqa: ANN401 (as above)
    return _mark(value) if isinstance(value, XComArg) else plain(value)


def _mark(argument: XComArg) -> dict[str, Any]:
    if not isinstance(argument, PlainXComArg):
        message = "it is mapped over outputs that are mapped, zipped or joined by code"
        raise NeedsWorkerError(message)
    if argument.operator.get_closest_mapped_task_group() is not None:
        message = f"it is mapped over {argument.operator.task_id} of a mapped task group"
        raise NeedsWorkerError(message)
    return {XCOM_MARK: {"task_id": argument.operator.task_id, "key": argument.key}}


def _restored(value: Any, ti: RuntimeTaskInstance) -> Any:  # noqa: ANN401 (a JSON value)
    if isinstance(value, dict) and set(value) == {XCOM_MARK}:
        mark: dict[str, str] = value[XCOM_MARK]
        dag: Any = ti.task.dag
        return PlainXComArg(operator=dag.get_task(mark["task_id"]), key=mark["key"])
    return value
