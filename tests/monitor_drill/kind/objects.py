"""Objects that the drill puts beside the platform: each is broken in one way."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["LABELS", "claim", "deployment", "local_volume", "pod"]

LABELS: Final = {"app": "monitor-drill"}
SECURITY: Final = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def deployment(name: str, image: str, *command: str) -> dict[str, Any]:
    """Return a Deployment of one pod, as a team would put a part of its own there."""
    labels = {**LABELS, "part": name}
    template = {"metadata": {"labels": labels}, "spec": _spec(image, command)}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": LABELS},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
    }


def pod(name: str, image: str, *command: str, claim: str) -> dict[str, Any]:
    """Return a pod with a volume claim at /data."""
    spec = _spec(image, command)
    spec["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]
    spec["containers"][0]["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": LABELS},
        "spec": spec,
    }


def claim(name: str, storage_class: str, *, volume: str = "") -> dict[str, Any]:
    """Return a claim of 64 MiB, of a storage class or of one volume."""
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": storage_class,
        "resources": {"requests": {"storage": "64Mi"}},
    }
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "labels": LABELS},
        "spec": spec | ({"volumeName": volume} if volume else {}),
    }


def local_volume(name: str, node: str, path: str) -> dict[str, Any]:
    """Return a volume that is a folder of a node: kubelet tells how full such a one is."""
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "labels": LABELS},
        "spec": {
            "capacity": {"storage": "64Mi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": "",
            "local": {"path": path},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
        },
    }


def _spec(image: str, command: tuple[str, ...]) -> dict[str, Any]:
    container = {
        "name": "main",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": list(command),
        "resources": {"requests": {"cpu": "10m"}, "limits": {"memory": "64Mi"}},
        "securityContext": SECURITY,
    }
    return {"containers": [container], "terminationGracePeriodSeconds": 1}
