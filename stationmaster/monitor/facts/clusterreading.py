"""Read nodes, pods and claims out of what the Kubernetes API answers."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from stationmaster.monitor.facts.cluster import (
    ClusterClaim,
    ClusterNode,
    ClusterPod,
    NodeCondition,
    PodContainer,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["claim_of", "node_of", "pod_of"]

LEAVING_TAINTS: Final = frozenset(
    {
        *("karpenter.sh/disrupted", "karpenter.sh/disruption"),
        *("ToBeDeletedByClusterAutoscaler", "DeletionCandidateOfClusterAutoscaler"),
        "node.cloudprovider.kubernetes.io/shutdown",
    }
)
"""Put on a node by whoever takes it away on purpose: that it goes is no trouble."""


def node_of(item: Mapping[str, Any]) -> ClusterNode:
    """Return a node."""
    meta, spec, status = item["metadata"], item.get("spec") or {}, item.get("status") or {}
    taints = {taint["key"] for taint in spec.get("taints") or ()}
    return ClusterNode(
        name=meta["name"],
        conditions=_conditions(status),
        cordoned=bool(spec.get("unschedulable")),
        leaving="deletionTimestamp" in meta or bool(taints & LEAVING_TAINTS),
        created_at=_moment(meta.get("creationTimestamp")),
    )


def pod_of(item: Mapping[str, Any]) -> ClusterPod:
    """Return a pod."""
    meta, spec, status = item["metadata"], item.get("spec") or {}, item.get("status") or {}
    owners = [each for each in meta.get("ownerReferences") or () if each.get("controller")]
    owner = owners[0] if owners else {}
    volumes = spec.get("volumes") or ()
    claims = [each.get("persistentVolumeClaim") for each in volumes]
    return ClusterPod(
        namespace=meta["namespace"],
        name=meta["name"],
        phase=status.get("phase", "Unknown"),
        created_at=_moment(meta.get("creationTimestamp")) or dt.datetime.now(dt.UTC),
        reason=status.get("reason") or "",
        message=status.get("message") or "",
        node=spec.get("nodeName") or "",
        ended_at=_ended_at(status),
        leaving="deletionTimestamp" in meta,
        owner_kind=owner.get("kind", ""),
        owner=owner.get("name", ""),
        labels=dict(meta.get("labels") or {}),
        finalizers=tuple(meta.get("finalizers") or ()),
        conditions=_conditions(status),
        containers=tuple(
            _container(each)
            for key in ("initContainerStatuses", "containerStatuses")
            for each in status.get(key) or ()
        ),
        claims=tuple(each["claimName"] for each in claims if each),
    )


def claim_of(item: Mapping[str, Any], problem: str) -> ClusterClaim:
    """Return a claim.

    Args:
        item: As the API has it.
        problem: What its last warning says.
    """
    meta, spec, status = item["metadata"], item.get("spec") or {}, item.get("status") or {}
    return ClusterClaim(
        namespace=meta["namespace"],
        name=meta["name"],
        phase=status.get("phase", "Pending"),
        created_at=_moment(meta.get("creationTimestamp")) or dt.datetime.now(dt.UTC),
        storage_class=spec.get("storageClassName") or "",
        volume=spec.get("volumeName") or "",
        problem=problem,
    )


def _conditions(status: Mapping[str, Any]) -> tuple[NodeCondition, ...]:
    return tuple(
        NodeCondition(
            kind=each["type"],
            status=each["status"],
            since=_moment(each.get("lastTransitionTime")),
            reason=each.get("reason") or "",
            message=each.get("message") or "",
        )
        for each in status.get("conditions") or ()
    )


def _container(item: Mapping[str, Any]) -> PodContainer:
    state = item.get("state") or {}
    waiting = state.get("waiting") or {}
    last = state.get("terminated") or (item.get("lastState") or {}).get("terminated") or {}
    return PodContainer(
        name=item["name"],
        image=item.get("image") or "",
        ready=bool(item.get("ready")),
        restarts=item.get("restartCount") or 0,
        waiting=waiting.get("reason") or "",
        message=waiting.get("message") or "",
        last_reason=last.get("reason") or "",
        last_exit_code=last.get("exitCode"),
        last_ended_at=_moment(last.get("finishedAt")),
        started_at=_moment((state.get("running") or {}).get("startedAt")),
    )


def _ended_at(status: Mapping[str, Any]) -> dt.datetime | None:
    if status.get("phase") not in {"Succeeded", "Failed"}:
        return None
    states = [each.get("state") or {} for each in status.get("containerStatuses") or ()]
    ends = [_moment((state.get("terminated") or {}).get("finishedAt")) for state in states]
    return max((end for end in ends if end is not None), default=None)


def _moment(text: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if text else None
