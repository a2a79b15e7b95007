"""What a Kubernetes API answers, as far as monitoring asks: nodes, pods, claims, events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.monitor_infrastructure.answering import Asked

__all__ = ["NODE", "PENDING", "POD", "STEP", "kubernetes"]

NODE: dict[str, Any] = {
    "metadata": {"name": "n1", "creationTimestamp": "2026-03-01T00:00:00Z"},
    "spec": {
        "unschedulable": True,
        "taints": [{"key": "karpenter.sh/disrupted", "effect": "NoSchedule"}],
    },
    "status": {
        "conditions": [
            {
                "type": "Ready",
                "status": "Unknown",
                "reason": "NodeStatusUnknown",
                "message": "Kubelet stopped posting node status.",
                "lastTransitionTime": "2026-03-29T06:30:00Z",
            }
        ]
    },
}

POD: dict[str, Any] = {
    "metadata": {
        "namespace": "airflow",
        "name": "airflow-scheduler-5d9c7b8f6d-x2x4z",
        "creationTimestamp": "2026-03-29T05:00:00Z",
        "labels": {"app.kubernetes.io/component": "scheduler"},
        "ownerReferences": [
            {"kind": "ReplicaSet", "name": "airflow-scheduler-5d9c7b8f6d", "controller": True}
        ],
    },
    "spec": {
        "nodeName": "n1",
        "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}, {"name": "e"}],
    },
    "status": {
        "phase": "Running",
        "containerStatuses": [
            {
                "name": "scheduler",
                "image": "stationmaster/platform:1",
                "ready": False,
                "restartCount": 7,
                "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}},
                "lastState": {
                    "terminated": {
                        "reason": "OOMKilled",
                        "exitCode": 137,
                        "finishedAt": "2026-03-29T06:38:00Z",
                    }
                },
            }
        ],
    },
}

STEP: dict[str, Any] = {
    "metadata": {
        "namespace": "steps",
        "name": "extract-web-1",
        "creationTimestamp": "2026-03-29T06:00:00Z",
        "labels": {
            "stationmaster.io/try-id": "t1",
            "stationmaster.io/pipeline": "morning_analytics",
            "app.kubernetes.io/name": "extract-web",
        },
        "finalizers": ["stationmaster.io/evidence"],
    },
    "spec": {"nodeName": "n2"},
    "status": {
        "phase": "Succeeded",
        "containerStatuses": [
            {
                "name": "step",
                "state": {"terminated": {"exitCode": 0, "finishedAt": "2026-03-29T06:10:00Z"}},
            }
        ],
    },
}

PENDING: dict[str, Any] = {
    "metadata": {
        "namespace": "airflow",
        "name": "data",
        "creationTimestamp": "2026-03-29T06:00:00Z",
    },
    "spec": {"storageClassName": "fast"},
    "status": {"phase": "Pending"},
}

EVENT: dict[str, Any] = {
    "type": "Warning",
    "reason": "ProvisioningFailed",
    "message": 'storageclass "fast" not found',
    "involvedObject": {"kind": "PersistentVolumeClaim", "namespace": "airflow", "name": "data"},
}

SUMMARY: dict[str, Any] = {
    "node": {"fs": {"capacityBytes": 100, "availableBytes": 8, "inodes": 10, "inodesFree": 5}},
    "pods": [
        {
            "podRef": {"name": "postgres-0", "namespace": "airflow"},
            "volume": [
                {
                    "name": "data",
                    "capacityBytes": 200,
                    "availableBytes": 6,
                    "pvcRef": {"name": "data", "namespace": "airflow"},
                },
                {"name": "token", "capacityBytes": 9, "availableBytes": 9},
            ],
        },
        {"podRef": {"name": "bare", "namespace": "other"}},
    ],
}

LISTS: dict[str, list[dict[str, Any]]] = {
    "/api/v1/nodes": [NODE],
    "/api/v1/namespaces/airflow/pods": [POD],
    "/api/v1/namespaces/steps/pods": [STEP],
    "/api/v1/namespaces/airflow/persistentvolumeclaims": [PENDING],
    "/api/v1/namespaces/airflow/events": [EVENT],
}


def kubernetes(refuse: str = "") -> Callable[[Asked], tuple[int, Any]]:
    """Return what answers as an API server; a path with `refuse` in it is forbidden."""

    def answer(asked: Asked) -> tuple[int, Any]:
        if refuse and refuse in asked.path:
            return 403, {"message": f"may not list {asked.path}"}
        if asked.path == "/version":
            return 200, {"gitVersion": "v1.35.0"}
        if asked.path.endswith("/stats/summary"):
            return 200, SUMMARY
        items = LISTS.get(asked.path, [])
        # One item a page, as a large cluster has many pages.
        first = int(asked.query.get("continue", "0"))
        more = {"continue": str(first + 1)} if first + 1 < len(items) else {}
        return 200, {"items": items[first : first + 1], "metadata": more}

    return answer
