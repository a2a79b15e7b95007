"""Why a pod waits for a node, as one sentence: from its condition, its events and the nodes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from stationmaster.airflow.life.podfacts import bytes_of, condition, human_bytes, step_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["explain_pending", "mount_trouble"]

LACKS: Final = {
    "cpu": "CPU",
    "memory": "memory",
    "ephemeral-storage": "disk",
    "pods": "room for another pod",
}

TAINTS: Final = {
    "node-role.kubernetes.io/control-plane": "run only the control plane",
    "node.kubernetes.io/unschedulable": "are being emptied (cordoned)",
    "node.kubernetes.io/not-ready": "are not ready",
    "node.kubernetes.io/unreachable": "do not answer",
    "node.kubernetes.io/disk-pressure": "are short of disk",
    "node.kubernetes.io/memory-pressure": "are short of memory",
    "node.kubernetes.io/pid-pressure": "are short of processes",
    "node.cloudprovider.kubernetes.io/uninitialized": "are not set up yet",
}

OTHERS: Final = (
    (r"(were )?unschedulable", "are being emptied (cordoned)"),
    (r"didn't match .*(node affinity|selector)", "do not match the step's node selector"),
    (r"didn't match pod (anti-)?affinity", "do not match the step's pod affinity"),
    (r"volume node affinity conflict", "cannot reach its volume"),
    (r"exceed max volume count", "hold as many volumes as they can"),
    (r"didn't have free ports", "have its port in use"),
)

AUTOSCALER: Final = {
    "TriggeredScaleUp": "the autoscaler is adding one",
    "Nominated": "the autoscaler is adding one",
    "NotTriggerScaleUp": "the autoscaler has no node type that would fit",
    "NoCompatibleInstanceTypes": "the autoscaler has no node type that would fit",
}
"""Events of cluster-autoscaler and Karpenter."""


def explain_pending(pod: Mapping[str, Any], events: Iterable[Mapping[str, Any]] = ()) -> str:
    """Return why the pod has no node yet: who lacks what, and whether help is on its way.

    "waits for a node: 2 of 3 nodes lack memory (needs 4 GiB), 1 runs only the control plane;
    the autoscaler is adding one"

    Args:
        pod: Its API JSON, whole or trimmed.
        events: Its events, oldest first; they tell what the autoscaler does.
    """
    scheduled = condition(pod, "PodScheduled") or {}
    if scheduled.get("reason") == "SchedulingGated":
        return "waits for its scheduling gates to be lifted"
    message = str(scheduled.get("message") or "")
    help_words = _autoscaler(events)
    reasons = _reasons(pod, message)
    if reasons:
        words = f"waits for a node: {', '.join(reasons)}"
    elif message:
        words = f"waits for a node: {message.rstrip('.')[:300]}"
    else:
        words = "waits for a node: the scheduler has not looked at it yet"
    return f"{words}; {help_words}" if help_words else words


def mount_trouble(events: Iterable[Mapping[str, Any]]) -> str:
    """Return the last event's words on a volume or sandbox that cannot be made; "" for none."""
    words = ""
    for event in events:
        if event.get("reason") in {
            "FailedMount",
            "FailedAttachVolume",
            "FailedCreatePodSandBox",
            "FailedCreatePodContainer",
        }:
            words = " ".join(str(event.get("message") or "").split())
    return words


def _reasons(pod: Mapping[str, Any], message: str) -> list[str]:
    """Translate the scheduler's "0/3 nodes are available: 1 …, 2 …. preemption: …"."""
    found = re.match(r"0/(\d+) nodes are available: (.*)", message, re.DOTALL)
    if not found:
        return ["there is no node at all"] if "no nodes available" in message else []
    total = int(found[1])
    # What follows the first full stop is about preemption and resource claims.
    blamed = re.split(r"\.\s|,? preemption:", found[2])[0].rstrip(". ")
    reasons: list[str] = []
    for part in re.split(r", (?=\d+ )", blamed):
        number, _, why = part.replace("node(s) ", "").partition(" ")
        if number.isdigit():
            who = f"{number} of {total} nodes" if not reasons else number
            reasons.append(f"{who} {_why(pod, why, int(number))}")
    return reasons


def _why(pod: Mapping[str, Any], why: str, number: int) -> str:
    words = _plural_why(pod, why)
    if number != 1:
        return words
    verb, _, rest = words.partition(" ")
    singular = {"are": "is", "have": "has", "do": "does"}.get(verb, f"{verb}s")
    return f"{singular} {rest}"


def _plural_why(pod: Mapping[str, Any], why: str) -> str:
    if lacking := re.match(r"(?:Insufficient (\S+)|Too many (pods))", why):
        resource = (lacking[1] or lacking[2]).rstrip(".")
        words = f"lack {LACKS.get(resource, resource)}"
        return words + _needs(pod, resource)
    if tainted := re.search(r"taint\(?s?\)?[^{]*\{([^:}]+)", why):
        key = tainted[1].strip()
        return TAINTS.get(key, f"take only pods that tolerate {key}")
    if "untolerated taint" in why:
        return "take only pods that tolerate their taints"
    for pattern, words in OTHERS:
        if re.search(pattern, why):
            return words
    return f"say: {why}"


def _needs(pod: Mapping[str, Any], resource: str) -> str:
    name = step_name(pod)
    for container in pod["spec"].get("containers") or ():
        asked = ((container.get("resources") or {}).get("requests") or {}).get(resource)
        if container["name"] == name and asked:
            told = human_bytes(bytes_of(asked)) if resource != "cpu" else str(asked)
            return f" (needs {told})"
    return ""


def _autoscaler(events: Iterable[Mapping[str, Any]]) -> str:
    words = ""
    for event in events:
        words = AUTOSCALER.get(str(event.get("reason")), words)
    return words
