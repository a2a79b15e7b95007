"""Pods of our namespaces: crashing again and again, without an image, without a place."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.checks.check import check
from stationmaster.monitor.checks.finding import Finding, Layer, Severity, Subject, SubjectKind
from stationmaster.monitor.checks.infrastructure.wording import OWNER, ago, and_more
from stationmaster.monitor.checks.saying import sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from stationmaster.monitor.facts.cluster import ClusterPod, NodeCondition, PodContainer
    from stationmaster.monitor.facts.facts import Facts

__all__ = ["image_unavailable", "pod_crash_looping", "pods_pending"]

MANY_RESTARTS: Final = 3
LATELY: Final = dt.timedelta(minutes=15)
"""Longer than Kubernetes' longest pause between two starts (5 minutes), and some."""

STEADY: Final = dt.timedelta(minutes=5)
"""What has been ready for so long has come up: after a database was away, all parts have."""

NO_IMAGE: Final = frozenset(
    {
        *("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"),
        *("ImageInspectError", "RegistryUnavailable"),
    }
)
LONG_PENDING: Final = dt.timedelta(minutes=10)
"""An autoscaler that can make a node has made it by then."""

NEVER_FITS: Final = dt.timedelta(hours=1)
"""However much else is placed meanwhile: this one is passed over each time."""


@check(
    "pod-crash-looping",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.CRITICAL,
    owner=OWNER,
    hold=dt.timedelta(minutes=3),
    clear_after=dt.timedelta(minutes=5),
)
def pod_crash_looping(facts: Facts) -> Iterator[Finding]:
    """A part of the platform ends again and again, soon after it has started."""
    for workload, found in _by_workload(facts, _crashing).items():
        pod, container = found[0]
        ended = f"{container.last_reason or 'ended'}, exit code {container.last_exit_code}"
        out_of_memory = container.last_reason == "OOMKilled"
        log = f"`kubectl -n {pod.namespace} logs {pod.name} -c {container.name} --previous`"
        since = _unready_since(pod) or container.last_ended_at or pod.created_at
        yield pod_crash_looping.finding(
            Subject(SubjectKind.POD, workload),
            what=f"Container {container.name} of {pod.name} has been started again "
            f"{container.restarts} times; the last time: {ended}.",
            next_action=(
                f"Raise its memory limit: it ran out of memory ({log})."
                if out_of_memory
                else f"Read how it ended: {log}."
            ),
            since=since,
            got=ended,
            evidence={"restarts": container.restarts, "pods": len(found)},
        )


@check(
    "image-unavailable",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.WARNING,
    owner=OWNER,
    hold=dt.timedelta(minutes=2),
    clear_after=dt.timedelta(minutes=5),
)
def image_unavailable(facts: Facts) -> Iterator[Finding]:
    """A pod cannot start because its image cannot be had."""
    for workload, found in _by_workload(facts, _without_image).items():
        pod, container = found[0]
        yield image_unavailable.finding(
            Subject(SubjectKind.POD, workload),
            severity=Severity.WARNING if pod.is_step else Severity.CRITICAL,
            what=f"Image {container.image} of {pod.name} cannot be had: "
            f"{sentence(container.message or container.waiting)}",
            next_action=f"Check that {container.image} is in its registry and that "
            "imagePullSecrets let it be read; push it, or correct the tag in the chart's values.",
            since=pod.created_at,
            affected=tuple(sorted({each.pipeline for each, _ in found} - {""})),
            expected=container.image,
            got=container.waiting,
            evidence={"pods": len(found)},
        )


@check(
    "pods-pending",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.WARNING,
    owner=OWNER,
    clear_after=dt.timedelta(minutes=3),
)
def pods_pending(facts: Facts) -> Iterator[Finding]:
    """Pods wait for a place in the cluster, and get none."""
    for namespace, pods in _of_namespaces(facts).items():
        waiting = [(pod, wait) for pod in pods if (wait := _waits(pod)) is not None]
        stuck = [(pod, wait) for pod, wait in waiting if _is_stuck(wait, pods, facts.now)]
        if not stuck:
            continue
        pod, wait = stuck[0]
        since = _since(wait, pod)
        yield pods_pending.finding(
            Subject(SubjectKind.POD, namespace),
            what=f"{len(stuck)} pods in {namespace} get no place; {pod.name} has waited "
            f"{ago(since, facts.now)}: {sentence(wait.message)}",
            next_action=f"{_remedy(wait.message)} See `kubectl -n {namespace} describe pod "
            f"{pod.name}`.",
            since=since,
            affected=tuple(sorted({each.pipeline for each, _ in stuck} - {""})),
            got=wait.reason,
            evidence={
                "waiting": len(waiting),
                "without_hope": len(stuck),
                "pods": and_more(each.name for each, _ in stuck),
            },
        )


def _by_workload(
    facts: Facts, pick: Callable[[ClusterPod, dt.datetime], PodContainer | None]
) -> dict[str, list[tuple[ClusterPod, PodContainer]]]:
    found: defaultdict[str, list[tuple[ClusterPod, PodContainer]]] = defaultdict(list)
    for pod in facts.cluster.pods():
        container = None if pod.leaving else pick(pod, facts.now)
        if container is not None:
            found[f"{pod.namespace}/{pod.workload}"].append((pod, container))
    return dict(sorted(found.items()))


def _crashing(pod: ClusterPod, now: dt.datetime) -> PodContainer | None:
    """Return a container that crashes; a step's pod never starts one again."""
    for each in pod.containers:
        lately = each.last_ended_at is not None and now - each.last_ended_at < LATELY
        steady = each.ready and each.started_at is not None and now - each.started_at >= STEADY
        if each.waiting == "CrashLoopBackOff" or (
            each.restarts >= MANY_RESTARTS and lately and not steady
        ):
            return None if pod.is_step else each
    return None


def _without_image(pod: ClusterPod, now: dt.datetime) -> PodContainer | None:
    del now
    return next((each for each in pod.containers if each.waiting in NO_IMAGE), None)


def _unready_since(pod: ClusterPod) -> dt.datetime | None:
    ready = pod.condition("Ready")
    return ready.since if ready is not None and ready.status != "True" else None


def _of_namespaces(facts: Facts) -> dict[str, list[ClusterPod]]:
    found: defaultdict[str, list[ClusterPod]] = defaultdict(list)
    for pod in facts.cluster.pods():
        found[pod.namespace].append(pod)
    return dict(sorted(found.items()))


def _waits(pod: ClusterPod) -> NodeCondition | None:
    """Return why a pod has no place; None where it has one, or nobody looks for one yet."""
    if pod.phase != "Pending" or pod.node or pod.leaving:
        return None
    scheduled = pod.condition("PodScheduled")
    gated = scheduled is not None and scheduled.reason == "SchedulingGated"
    return None if scheduled is None or scheduled.status == "True" or gated else scheduled


def _is_stuck(wait: NodeCondition, pods: Sequence[ClusterPod], now: dt.datetime) -> bool:
    """Tell whether a pod waits in vain: a queue that moves is none."""
    waited = now - (wait.since or now)
    if waited < LONG_PENDING:
        return False
    placed = [pod.condition("PodScheduled") for pod in pods]
    moves = any(
        each is not None
        and each.status == "True"
        and each.since
        and now - each.since < LONG_PENDING
        for each in placed
    )
    return waited >= NEVER_FITS or not moves


def _since(wait: NodeCondition, pod: ClusterPod) -> dt.datetime:
    return wait.since or pod.created_at


def _remedy(message: str) -> str:
    low = message.lower()
    if "volume" in low or "persistentvolumeclaim" in low:
        return "Look at the claims that it uses: they have no volume, or one in another zone."
    if "insufficient" in low:
        return "Add nodes, or raise the limit of the node pool; or ask for less in job.yaml."
    if "taint" in low or "affinity" in low or "selector" in low:
        return "No node fits its node selector or tolerations: correct them, or add such nodes."
    return "Find out why no node takes it."
