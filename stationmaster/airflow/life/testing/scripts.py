"""What becomes of a pod of a fake cluster: states that follow each other."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

__all__ = [
    "NODE",
    "PodScript",
    "container_state",
    "fails",
    "gets_short",
    "now",
    "runs",
    "stuck",
    "succeeds",
    "unschedulable",
]

NODE = "fake-node"


@dataclass(frozen=True)
class PodScript:
    """Hold the states of a pod after its creation, each with the seconds before it.

    A state is a mapping with `node` and `status`, as the scheduler and the kubelet write them.
    """

    states: tuple[tuple[float, dict[str, Any]], ...] = ()


def now() -> str:
    """Return this second as the API writes it."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def container_state(state: dict[str, Any], phase: str, **status: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
    """Return a pod's state on the fake node whose one container is in the given state."""
    scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": now()}
    return {
        "node": NODE,
        "status": {
            "phase": phase,
            "startTime": now(),
            "conditions": [scheduled],
            "containerStatuses": [{"name": "base", "restartCount": 0, "state": state}],
            **status,
        },
    }


def runs(seconds: float = 0.0) -> PodScript:
    """Return a script: it runs, after a while, until somebody deletes it."""
    return PodScript(((seconds, container_state({"running": {"startedAt": now()}}, "Running")),))


def succeeds(seconds: float = 0.0, message: str = "") -> PodScript:
    """Return a script: it runs and is done after that time.

    Args:
        seconds: From running to done.
        message: Its termination message: a result, as JSON.
    """
    return _ends(seconds, _end(0, "Completed", message), "Succeeded", {})


def fails(
    exit_code: int,
    *,
    seconds: float = 0.0,
    reason: str = "Error",
    message: str = "",
    pod_reason: str = "",
) -> PodScript:
    """Return a script: it runs and ends with an exit code.

    Args:
        exit_code: Other than 0.
        seconds: From running to its end.
        reason: The kubelet's word on the container: Error, OOMKilled, StartError, …
        message: Its termination message.
        pod_reason: The kubelet's word on the pod: Evicted, DeadlineExceeded, NodeShutdown, …
    """
    status = {"reason": pod_reason} if pod_reason else {}
    return _ends(seconds, _end(exit_code, reason, message), "Failed", status)


def gets_short(seconds: float = 0.3) -> PodScript:
    """Return a script: it runs, is ready, and then says that its memory gets short.

    Args:
        seconds: From its start to ready, and from there to short.
    """
    running = {"running": {"startedAt": now()}}
    later = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1)

    def state(status: str, when: str) -> dict[str, Any]:
        made = container_state(running, "Running")
        ready = {"type": "Ready", "status": status, "lastTransitionTime": when}
        made["status"]["conditions"].append(ready)
        return made

    steps = (("False", now()), ("True", now()), ("False", f"{later:%Y-%m-%dT%H:%M:%SZ}"))
    return PodScript(tuple((seconds, state(*each)) for each in steps))


def stuck(reason: str, message: str = "") -> PodScript:
    """Return a script: its container waits for ever: ErrImagePull, CreateContainerConfigError."""
    waiting = {"reason": reason, **({"message": message} if message else {})}
    return PodScript(((0.0, container_state({"waiting": waiting}, "Pending")),))


def unschedulable(message: str) -> PodScript:
    """Return a script: no node takes it, and this is why."""
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": message,
        "lastTransitionTime": now(),
    }
    return PodScript(((0.0, {"status": {"phase": "Pending", "conditions": [condition]}}),))


def _ends(seconds: float, end: dict[str, Any], phase: str, status: dict[str, Any]) -> PodScript:
    terminated = {**end, "startedAt": now(), "finishedAt": now()}
    state = container_state({"terminated": terminated}, phase)
    state["status"] |= status
    return PodScript((*runs().states, (seconds, state)))


def _end(exit_code: int, reason: str, message: str) -> dict[str, Any]:
    said = {"message": message} if message else {}
    return {"exitCode": exit_code, "reason": reason, **said}
