"""What an attempt waits for, and how long it may: pure functions over a pod that goes on.

Times count from what stands in the pod, so that a restart of ours starts no wait anew.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from stationmaster.airflow.life.disruptions import disruption_of, lost_at
from stationmaster.airflow.life.evidence import evidence_of
from stationmaster.airflow.life.findings import Finding, Verdict
from stationmaster.airflow.life.podfacts import (
    condition,
    ended,
    in_words,
    moment,
    step_state,
    waiting_containers,
    who,
)
from stationmaster.airflow.life.startfaults import image_hint, never_pulls, of_message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stationmaster.airflow.life.budgets import Budgets

__all__ = ["Wait", "wait_of"]

BAD_NAMES: Final = {
    "InvalidImageName": "is no name an image can have",
    "ErrImageNeverPull": "is not on the node, and imagePullPolicy Never forbids to pull it",
}

PULLS: Final = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)

CONFIG: Final = "CreateContainerConfigError"

CREATION: Final = frozenset({"CreateContainerError", "RunContainerError", "PostStartHookError"})

CREATION_SECONDS: Final = 45.0
"""A container runtime that is busy gets a container made within a few of kubelet's tries."""

NEVER_PULLS_SECONDS: Final = 15.0
"""One more pull, for a tag that is pushed in this moment."""

CRASHES: Final = 3
"""Restarts of a sidecar before the step has started, until we say that it never will."""


@dataclass(frozen=True)
class Wait:
    """Say what an attempt waits for."""

    finding: Finding
    """The verdict, should it still wait at `until`."""
    until: dt.datetime
    words: str
    """For the task's log: what it waits for, in half a sentence."""
    for_node: bool = False
    """No node has taken the pod yet: events and nodes tell why."""
    silent: bool = False
    """Nothing is wrong so far: say nothing of it."""


def wait_of(pod: Mapping[str, Any], budgets: Budgets) -> Wait | None:
    """Return what a pod that goes on waits for; None: it runs."""
    return (
        _for_a_lost_node(pod)
        or _for_a_node(pod, budgets)
        or _for_a_container(pod, budgets)
        or _for_the_start(pod, budgets)
    )


def _for_a_lost_node(pod: Mapping[str, Any]) -> Wait | None:
    """Bound the wait for a deleted pod's kubelet: its node may be lost, or only very busy.

    The verdict is what was done to the pod; a node is called lost by those who gave it up.
    """
    until = lost_at(pod)
    if until is None or ended(pod) is not None:
        return None
    node = pod["spec"]["nodeName"]
    verdict, why, _ = disruption_of(pod) or (Verdict.NODE_LOST, "was deleted", "")
    finding = Finding(
        verdict=verdict,
        sentence=f"{who(pod)} {why}, and {node} does not tell that its container ended: it may "
        "live on there.",
        hint="The next attempt starts elsewhere; what the old one still writes is refused. Look "
        f"at {node}.",
        evidence=evidence_of(pod),
    )
    return Wait(finding, until, f"{node} to end its container", silent=True)


def _for_a_node(pod: Mapping[str, Any], budgets: Budgets) -> Wait | None:
    if pod["spec"].get("nodeName"):
        return None
    created = _created(pod)
    scheduled = condition(pod, "PodScheduled") or {}
    message = str(scheduled.get("message") or "")
    finding = Finding(
        verdict=Verdict.UNSCHEDULABLE,
        sentence=f"{who(pod)} found no node within {in_words(budgets.schedule_seconds)}"
        + (f": {message.rstrip('.')[:500]}." if message else "."),
        hint="Give it a smaller size, the cluster a bigger node, or the step more time to wait "
        "(schedule_timeout_seconds=).",
        evidence=evidence_of(pod),
    )
    until = created + dt.timedelta(seconds=budgets.schedule_seconds)
    return Wait(finding, until, "a node", for_node=True, silent=scheduled.get("status") != "False")


def _for_a_container(pod: Mapping[str, Any], budgets: Budgets) -> Wait | None:
    """Find the first container whose wait is a fault: a name, a pull, a secret, a crash."""
    for name, status in waiting_containers(pod):
        state = status["state"]["waiting"]
        reason, message = str(state.get("reason") or ""), str(state.get("message") or "")
        since = _ready_to_start(pod)
        if reason in BAD_NAMES or reason in PULLS:
            return _for_an_image(pod, name, (reason, message), since, budgets)
        if reason == CONFIG:
            return _for_config(pod, name, message, since, budgets)
        if reason in CREATION:
            return _for_creation(pod, name, message, since)
        if reason == "CrashLoopBackOff" and "running" not in (step_state(pod).get("state") or {}):
            return _for_a_sidecar(pod, name, status)
    return None


def _for_an_image(
    pod: Mapping[str, Any],
    container: str,
    state: tuple[str, str],
    since: dt.datetime,
    budgets: Budgets,
) -> Wait:
    reason, message = state
    image = _image(pod, container)
    if reason in BAD_NAMES:
        seconds, why = 0.0, BAD_NAMES[reason]
        hint = "Correct the image's name in the catalog (or image= in the DAG), then clear."
    else:
        seconds = NEVER_PULLS_SECONDS if never_pulls(message) else budgets.image_seconds
        why, hint = f"cannot be pulled: {message[-400:] or reason}", image_hint(message)
    finding = Finding(
        verdict=Verdict.IMAGE_UNAVAILABLE,
        sentence=f"{who(pod)} did not start: image {image} {why.rstrip('.')}.",
        hint=hint,
        evidence={**evidence_of(pod), "waiting": {"reason": reason, "message": message[:500]}},
    )
    until = since + dt.timedelta(seconds=seconds)
    return Wait(finding, until, f"image {image}, which {why.rstrip('.')}")


def _for_config(
    pod: Mapping[str, Any], container: str, message: str, since: dt.datetime, budgets: Budgets
) -> Wait:
    _, hint = of_message(message)
    finding = Finding(
        verdict=Verdict.CONFIG_ERROR,
        sentence=f"{who(pod)} did not start: container {container} cannot be made as it is "
        f"described: {message.rstrip('.')}.",
        hint=hint,
        evidence={**evidence_of(pod), "waiting": {"reason": CONFIG, "message": message[:500]}},
    )
    until = since + dt.timedelta(seconds=budgets.config_seconds)
    return Wait(finding, until, f"what container {container} needs: {message}")


def _for_creation(pod: Mapping[str, Any], container: str, message: str, since: dt.datetime) -> Wait:
    verdict, hint = of_message(message)
    finding = Finding(
        verdict=verdict,
        sentence=f"{who(pod)} did not start: container {container} cannot be created: "
        f"{message.rstrip('.')[:400]}.",
        hint=hint,
        evidence={**evidence_of(pod), "waiting": {"message": message[:500]}},
    )
    seconds = 0.0 if verdict is Verdict.CONFIG_ERROR else CREATION_SECONDS
    until = since + dt.timedelta(seconds=seconds)
    return Wait(finding, until, f"container {container}: {message[:200]}")


def _for_a_sidecar(pod: Mapping[str, Any], name: str, status: Mapping[str, Any]) -> Wait | None:
    """Judge a sidecar that crashes again and again before the step may start."""
    restarts = int(status.get("restartCount") or 0)
    if restarts < CRASHES:
        return None
    last = (status.get("lastState") or {}).get("terminated") or {}
    finding = Finding(
        verdict=Verdict.CONFIG_ERROR,
        sentence=f"{who(pod)} did not start: sidecar {name}, which must run first, crashed "
        f"{restarts} times, the last time with exit code {last.get('exitCode')}.",
        hint=f"Read the log of container {name} and correct it, then clear the task.",
        evidence={**evidence_of(pod), "sidecar": {"name": name, "restarts": restarts}},
    )
    return Wait(finding, _created(pod), f"sidecar {name}, which crashes")


def _for_the_start(pod: Mapping[str, Any], budgets: Budgets) -> Wait | None:
    """Bound the time between a node and a running step, while init containers do nothing."""
    if pod["status"].get("phase") != "Pending" or "running" in (step_state(pod).get("state") or {}):
        return None
    if any("running" in (each.get("state") or {}) for each in _init_statuses(pod)):
        return None
    node = pod["spec"].get("nodeName")
    finding = Finding(
        verdict=Verdict.START_FAILED,
        sentence=f"{who(pod)} did not start on {node} within {in_words(budgets.start_seconds)}.",
        hint="Look at the pod's events in its log, and at the node; a big image may need more time "
        "(startup_timeout_seconds=).",
        evidence=evidence_of(pod),
    )
    until = _ready_to_start(pod) + dt.timedelta(seconds=budgets.start_seconds)
    return Wait(finding, until, f"its start on {node}", silent=True)


def _init_statuses(pod: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(pod["status"].get("initContainerStatuses") or ())


def _image(pod: Mapping[str, Any], container: str) -> str:
    spec = pod["spec"]
    for each in [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]:
        if each["name"] == container:
            return str(each.get("image"))
    return "?"


def _created(pod: Mapping[str, Any]) -> dt.datetime:
    return moment(pod["metadata"].get("creationTimestamp")) or dt.datetime.now(dt.UTC)


def _ready_to_start(pod: Mapping[str, Any]) -> dt.datetime:
    """Return from when the node could start the next container: also after init containers."""
    scheduled = condition(pod, "PodScheduled") or {}
    times = [_created(pod), moment(scheduled.get("lastTransitionTime"))]
    for status in _init_statuses(pod):
        end = (status.get("state") or {}).get("terminated") or {}
        times.append(moment(end.get("finishedAt")))
    return max(each for each in times if each is not None)
