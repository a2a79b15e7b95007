"""What a DAG's author wrote, as JSON: Jinja left as it is, upstream tasks' outputs as marks."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from airflow.sdk.definitions.xcom_arg import PlainXComArg, XComArg

from stationmaster.airflow.launcher.template import XCOM_MARK, NeedsWorkerError

__all__ = ["plain"]

TEMPLATE_FILES: Final = (".json", ".yaml", ".yml")
"""Endings of texts that Airflow reads as files next to the DAG's (KubernetesPodOperator)."""


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


def _mark(argument: XComArg) -> dict[str, Any]:
    if not isinstance(argument, PlainXComArg):
        message = "an upstream's output is mapped, zipped or joined by a function"
        raise NeedsWorkerError(message)
    upstream = argument.operator
    if upstream.is_mapped or upstream.get_closest_mapped_task_group() is not None:
        message = f"the outputs of all map indexes of {upstream.task_id} are read"
        raise NeedsWorkerError(message)
    return {XCOM_MARK: {"task_id": upstream.task_id, "key": argument.key}}
