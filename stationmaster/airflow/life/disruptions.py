"""What the cluster, or somebody, did to a pod: evicted, preempted, drained, lost, deleted."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from stationmaster.airflow.life.findings import Verdict
from stationmaster.airflow.life.podfacts import condition, ended, moment

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["UNSEEN_END", "disruption_of", "lost_at"]

UNSEEN_END: Final = frozenset({"ContainerStatusUnknown", "Unknown"})
"""The kubelet came back and did not find the container: its exit code is made up."""

BY_CONDITION: Final[dict[str, tuple[Verdict, str]]] = {
    "PreemptionByScheduler": (Verdict.PREEMPTED, "had to make room for a pod of higher priority"),
    "DeletionByTaintManager": (
        Verdict.NODE_LOST,
        "was given up: its node did not answer any more",
    ),
    "DeletionByPodGC": (Verdict.NODE_LOST, "was given up: its node is no more"),
    "EvictionByEvictionAPI": (Verdict.DRAINED, "had to leave its node, which is being emptied"),
    "TerminationByKubelet": (Verdict.EVICTED, "was ended by its node"),
}
"""Reasons of the condition DisruptionTarget
(https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions)."""

LEFT_ITS_NODE: Final = (
    Verdict.DRAINED,
    "had to leave its node, which was tainted NoExecute",
)
"""The taint manager's, where the node itself tells how the container ended: it is not lost."""

BY_REASON: Final[dict[str, tuple[Verdict, str]]] = {
    "Evicted": (Verdict.EVICTED, "was evicted by its node"),
    "Preempting": (Verdict.PREEMPTED, "had to make room for a critical pod"),
    "NodeLost": (Verdict.NODE_LOST, "was given up: its node did not answer any more"),
    "NodeShutdown": (Verdict.DRAINED, "met a node that was shutting down"),
    "Terminated": (Verdict.DRAINED, "was ended by its node's shutdown"),
    "Shutdown": (Verdict.DRAINED, "was ended by its node's shutdown"),
    "DeadlineExceeded": (Verdict.TIMED_OUT, "ran longer than its activeDeadlineSeconds"),
}
"""Values of status.reason that the kubelet (and old control planes) write."""

REFUSED: Final = (
    "OutOf",
    "UnexpectedAdmissionError",
    "NodeAffinity",
    "NodePorts",
    "TaintToleration",
    "AppArmor",
    "Sysctl",
    "InPlacePodVerticalScaling",
    "PodLevelResources",
)
"""How status.reason starts when a node refused a pod that the scheduler had sent there."""

HINTS: Final = {
    Verdict.PREEMPTED: "The next attempt starts when there is room.",
    Verdict.NODE_LOST: "The next attempt starts elsewhere; what the old one still writes is "
    "refused.",
    Verdict.DRAINED: "The next attempt starts elsewhere.",
    Verdict.EVICTED: "The next attempt starts; if it stays so, nodes are too small for what their "
    "pods really use.",
    Verdict.TIMED_OUT: "Give it more time (execution_timeout=, timeout_minutes in job.yaml) or "
    "less to do; nothing was published.",
    Verdict.POD_DELETED: "The next attempt starts. To stop a step, mark its task in Airflow.",
}

BY_SIGNAL: Final = frozenset({137, 143})
"""Exit codes of a container that SIGKILL or SIGTERM ended, as a shell tells them."""

USUAL_GRACE_SECONDS: Final = 30
"""Kubernetes' default."""

SLOW_KUBELET_SECONDS: Final = 15
"""After the grace period: a busy kubelet needs a few seconds to end and report a container."""

SUSPECT_NODE_SECONDS: Final = 3
"""The same, where the control plane itself has given the node up."""


def disruption_of(pod: Mapping[str, Any], *, gone: bool = False) -> tuple[Verdict, str, str] | None:
    """Return verdict, words and hint for what was done to the pod, None if nothing was.

    A container that had ended before anything was done to its pod ended by itself.
    """
    node = pod["spec"].get("nodeName") or "no node yet"
    found = _by_reason(pod["status"]) or _by_condition(pod) or _by_deletion(pod, gone=gone)
    if found is None:
        return None
    verdict, words = found
    return verdict, f"{words} ({node})", HINTS[verdict]


def lost_at(pod: Mapping[str, Any]) -> dt.datetime | None:
    """Return from when a deleted pod's silence means that its node is lost; None: not deleted.

    The API server sets deletionTimestamp to the end of the grace period.
    """
    deleted = moment(pod["metadata"].get("deletionTimestamp"))
    if deleted is None or not pod["spec"].get("nodeName"):
        return None
    target = condition(pod, "DisruptionTarget") or {}
    suspect = target.get("reason") in {"DeletionByTaintManager", "DeletionByPodGC"}
    seconds = SUSPECT_NODE_SECONDS if suspect else SLOW_KUBELET_SECONDS
    return deleted + dt.timedelta(seconds=seconds)


def _by_reason(status: Mapping[str, Any]) -> tuple[Verdict, str] | None:
    reason = str(status.get("reason") or "")
    found = BY_REASON.get(reason)
    if found is None and reason.startswith(REFUSED):
        found = (Verdict.EVICTED, f"was refused by its node ({reason})")
    if found is None:
        return None
    verdict, words = found
    message = str(status.get("message") or "").strip().rstrip(".")
    return verdict, f"{words}: {message[:300]}" if message else words


def _by_condition(pod: Mapping[str, Any]) -> tuple[Verdict, str] | None:
    target = condition(pod, "DisruptionTarget")
    if target is None or target.get("status") != "True":
        return None
    if _ended_before(pod, moment(target.get("lastTransitionTime"))):
        return None
    if target.get("reason") == "DeletionByTaintManager" and _node_told_the_end(pod):
        return LEFT_ITS_NODE
    fallback = (Verdict.EVICTED, f"was ended by the cluster ({target.get('reason')})")
    return BY_CONDITION.get(str(target.get("reason")), fallback)


def _by_deletion(pod: Mapping[str, Any], *, gone: bool) -> tuple[Verdict, str] | None:
    metadata = pod["metadata"]
    deleted = moment(metadata.get("deletionTimestamp"))
    if deleted is None:
        if not gone:
            return None
        return Verdict.POD_DELETED, "vanished: somebody removed its pod at once"
    if _ended_before(pod, _asked_for(pod, deleted)):
        return None
    return Verdict.POD_DELETED, "was stopped: somebody deleted its pod"


def _asked_for(pod: Mapping[str, Any], deleted: dt.datetime) -> dt.datetime:
    """Return when the deletion was asked for, as far as the pod tells.

    The kubelet's last word on a deleted pod sets its grace period to 0 and its deletion to that
    moment: when it was asked for is lost. A container that a signal ended within the grace period
    before it was ended by the deletion, then; what ended otherwise, ended by itself.
    """
    grace = pod["metadata"].get("deletionGracePeriodSeconds") or 0
    if not grace and (ended(pod) or {}).get("exitCode") in BY_SIGNAL:
        grace = pod["spec"].get("terminationGracePeriodSeconds", USUAL_GRACE_SECONDS)
    return deleted - dt.timedelta(seconds=int(grace))


def _node_told_the_end(pod: Mapping[str, Any]) -> bool:
    end = ended(pod)
    if end is not None:
        return end.get("reason") not in UNSEEN_END
    phase: str | None = pod["status"].get("phase")
    return phase == "Failed"


def _ended_before(pod: Mapping[str, Any], then: dt.datetime | None) -> bool:
    finished = moment((ended(pod) or {}).get("finishedAt"))
    return finished is not None and then is not None and finished < then
