"""What the API said of an attempt's end, shortened, as the ledger keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from stationmaster.airflow.life.podfacts import condition, memory_limit, step_state

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

__all__ = ["evidence_of"]

LONGEST: Final = 500
"""Characters kept of a message: a row of the ledger stays small."""


def evidence_of(pod: Mapping[str, Any]) -> dict[str, JsonValue]:
    """Return what a verdict was made of; empty values are left out."""
    status, metadata = pod["status"], pod["metadata"]
    step = step_state(pod)
    target = condition(pod, "DisruptionTarget")
    found: dict[str, Any] = {
        "phase": status.get("phase"),
        "reason": status.get("reason"),
        "message": status.get("message"),
        "node": pod["spec"].get("nodeName"),
        "deleted_at": metadata.get("deletionTimestamp"),
        "memory_limit_bytes": memory_limit(pod),
        "container": _state(step),
        "disruption": target and {"reason": target.get("reason"), "message": target.get("message")},
        "init": {
            each["name"]: state
            for each in status.get("initContainerStatuses") or ()
            if (state := _state(each))
        },
    }
    return {name: _short(value) for name, value in found.items() if value}


def _state(status: Mapping[str, Any]) -> dict[str, Any]:
    """Return a container's state without its message, which is the step's result."""
    for kind, state in (status.get("state") or {}).items():
        kept = {name: value for name, value in state.items() if name != "containerID"}
        if kind == "terminated" and kept.get("reason") not in {"StartError", "ContainerCannotRun"}:
            kept.pop("message", None)
        return {"state": kind, **kept}
    return {}


def _short(value: Any) -> Any:  # noqa: ANN401 (JSON of any shape)
    if isinstance(value, str):
        return value if len(value) <= LONGEST else f"{value[: LONGEST - 1]}…"
    if isinstance(value, dict):
        return {name: _short(each) for name, each in value.items() if each is not None}
    return value
