"""The pod that an operator's arguments describe, as JSON, quickly: DAG files are parsed all day.

KubernetesPodOperator builds it, which takes milliseconds; steps of one DAG file mostly differ in
what they run, and in labels. So the rest is built once for each set of arguments, and those are
put in, as KubernetesPodOperator does (`build_pod_request_obj`).
"""

from __future__ import annotations

import copy
import json
import logging
from collections import OrderedDict
from dataclasses import fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import BaseOperator

from stationmaster.airflow.launcher.plain import plain
from stationmaster.airflow.launcher.template import NeedsWorkerError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stationmaster.airflow.operator import StepOperator

__all__ = ["plain_wishes"]

FILLED: Final = {
    "image": ("container", "image"),
    "cmds": ("container", "command"),
    "arguments": ("container", "args"),
    "container_resources": ("container", "resources"),
    "annotations": ("metadata", "annotations"),
    "node_selector": ("spec", "nodeSelector"),
}
"""What steps differ in: argument, and where the pod has it, as it is."""

MERGED: Final = (
    *("full_pod_spec", "pod_template_dict", "pod_template_file", "secrets"),
    "pod_runtime_info_envs",
)
"""Arguments that are merged with others, so that those cannot be put in afterwards."""

OURS: Final = frozenset(
    {
        *("job", "business_date", "step_params", "size", "shards", "count_shards", "runtime"),
        *("shards_at_once", "urgent", "input_bytes"),
        *("schedule_seconds", "start_seconds", "_run", "_cached_logger"),
        # A step's pod is named by its try.
        *("name", "random_name_suffix"),
        *(*FILLED, "env_vars", "labels"),
    }
)
"""Attributes that the kept part of the pod does not come from."""

MOST_KEPT: Final = 256

_kept: OrderedDict[str, str] = OrderedDict()


def plain_wishes(operator: StepOperator) -> dict[str, Any]:
    """Return the pod as JSON, Jinja left as it is, without a name.

    Raises:
        NeedsWorkerError: It holds what no document can, or braces where Airflow renders nothing.
    """
    if _holds_braces(_untemplated(operator)):
        message = "braces stand in an argument that is not templated"
        raise NeedsWorkerError(message)
    key = _key(operator)
    if key is None:
        return _built(operator, {})
    pod: dict[str, Any] = json.loads(_keep(key, operator))
    metadata, spec = pod["metadata"], pod["spec"]
    places = {"metadata": metadata, "spec": spec, "container": spec["containers"][0]}
    for argument, (place, field) in FILLED.items():
        if (value := getattr(operator, argument)) is not None:
            places[place][field] = plain(value)
    places["container"]["env"] = _env(operator.env_vars)
    named = {name: "" if value is None else value for name, value in operator.labels.items()}
    metadata["labels"] = {**plain(named), **metadata["labels"]}
    return pod


def _keep(key: str, operator: StepOperator) -> str:
    """Return the part of the pod that does not depend on what the step runs, as text."""
    if key in _kept:
        _kept.move_to_end(key)
    else:
        nothing: dict[str, Any] = {**dict.fromkeys(FILLED), "env_vars": [], "labels": {}}
        _kept[key] = json.dumps(_built(operator, nothing))
        if len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return _kept[key]


def _key(operator: StepOperator) -> str | None:
    """Return all that the kept part comes from as text; None where the pod has no such part.

    Whatever is set on the operator counts unless it is known not to: an argument that a later
    provider brings is part of it.
    """
    if any(getattr(operator, name) for name in MERGED):
        return None
    variables: object = operator.env_vars
    labels: object = operator.labels
    if not isinstance(variables, dict | list) or not isinstance(labels, dict):
        return None  # an upstream's output: KubernetesPodOperator says what is wrong with it
    base, values = _base_fields(), vars(operator)
    try:
        return json.dumps({name: plain(values[name]) for name in values if name not in base})
    except NeedsWorkerError:
        return None


@lru_cache(maxsize=1)
def _base_fields() -> frozenset[str]:
    """Return the attributes of every operator of Airflow, and ours."""
    return frozenset({each.name for each in fields(BaseOperator)} | OURS)


def _built(operator: StepOperator, changes: dict[str, Any]) -> dict[str, Any]:
    """Return the pod that KubernetesPodOperator builds, with some arguments changed."""
    twin = copy.copy(operator)  # building a pod changes the operator: env_vars grows
    for name, value in changes.items():
        setattr(twin, name, value)
    if not isinstance(twin.env_vars, dict):
        twin.env_vars = list(twin.env_vars)
    # It says that it builds a pod, in the log of each parsing of the file.
    twin._cached_logger = _silent()  # type: ignore[assignment]  # noqa: SLF001 (Airflow's place)
    wishes: dict[str, Any] = plain(twin.wishes())
    wishes["metadata"].pop("name", None)
    return wishes


def _silent() -> logging.Logger:
    silent = logging.getLogger(f"{__name__}.silent")
    silent.setLevel(logging.ERROR)
    return silent


def _env(variables: Any) -> Any:  # noqa: ANN401 (a mapping, or models of the client)
    if not isinstance(variables, dict):
        return plain(variables)
    told = plain(variables).items()
    return [{"name": name} | ({} if each is None else {"value": each}) for name, each in told]


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
    texts = [str(value) for value in values if value]
    return any(mark in text for text in texts for mark in ("{{", "{%", "{#"))
