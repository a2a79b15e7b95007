"""Causes that keep a step from starting: its image, its description, the nodes."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from stationmaster.airflow.life.findings import Verdict
from tests.drill.verdicts.endings import beside, init_container
from tests.drill.verdicts.scene import Cause

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from stationmaster.airflow.life.plan import StepPlan
    from tests.drill.verdicts.scene import Scene

__all__ = ["CAUSES"]

QUOTA_CLASS: Final = "verdicts-quota"
NO_RUNTIME: Final = "verdicts-no-runtime"
HUGE: Final = {"requests": {"memory": "400Gi"}, "limits": {"memory": "400Gi"}}


def secret(kind: str, name: str) -> dict[str, Any]:
    """Return a variable that wants a key of a Secret or ConfigMap."""
    source = {f"{kind}KeyRef": {"name": name, "key": "no-such-key"}}
    return {"env": [{"name": "WANTED", "valueFrom": source}]}


def volume(**source: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
    """Return a pod's spec whose step wants a volume."""
    mounts = [{"name": "wanted", "mountPath": "/wanted"}]
    return {**beside(volumeMounts=mounts), "volumes": [{"name": "wanted", **source}]}


def as_image_user() -> dict[str, Any]:
    """Return a pod's spec whose step may not be root, of an image that runs as root."""
    security = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    return {**beside(), "securityContext": security}


def crashing_sidecar() -> dict[str, Any]:
    """Return a pod's spec with a sidecar that the step waits for, and that crashes."""
    probe = {"tcpSocket": {"port": 9}, "periodSeconds": 1}
    sidecar = init_container("exit 3", name="proxy", restartPolicy="Always", startupProbe=probe)
    return {"initContainers": [sidecar]}


IMAGES: Final[dict[str, dict[str, Any]]] = {
    "image of a registry without an address (ErrImagePull)": beside(image="nowhere.invalid/a:1"),
    "image of a registry that refuses connections": beside(image="localhost:9/nothing:1"),
    "image name that cannot be one (InvalidImageName)": beside(image="Not An Image"),
    "image that may not be pulled (ErrImageNeverPull)": beside(
        image="stationmaster/nothing:2", imagePullPolicy="Never"
    ),
    "image of an init container": {
        "initContainers": [init_container("exit 0", image="nowhere.invalid/b:1")]
    },
}

DESCRIPTIONS: Final[dict[str, dict[str, Any]]] = {
    "Secret missing (CreateContainerConfigError)": beside(**secret("secret", "no-such-secret")),
    "ConfigMap missing (CreateContainerConfigError)": beside(**secret("configMap", "no-such-map")),
    "key of a ConfigMap missing": beside(**secret("configMap", "kube-root-ca.crt")),
    "volume of a missing Secret (FailedMount)": volume(secret={"secretName": "no-such-secret"}),
    "command not in the image (StartError)": beside(command=["/no/such/thing"]),
    "command without its run bit (StartError)": beside(command=["/etc/hostname"]),
    "command of an init container not in the image": {
        "initContainers": [init_container("", command=["/no/such/thing"])]
    },
    "image runs as root, which is forbidden": as_image_user(),
    "sidecar crashes again and again (CrashLoopBackOff)": crashing_sidecar(),
    "refused by Pod Security": {"hostNetwork": True},
    "refused as invalid (request above its limit)": beside(
        resources={"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}}
    ),
    "service account missing": {"serviceAccountName": "no-such-account"},
}

NODES: Final[dict[str, dict[str, Any]]] = {
    "no node has the memory": beside(resources=HUGE),
    "no node has the label": {"nodeSelector": {"no": "where"}},
    "volume claim missing": volume(persistentVolumeClaim={"claimName": "no-such-claim"}),
}


def _described(spec: dict[str, Any], budgets: dict[str, Any], scene: Scene) -> StepPlan:
    return scene.plan("sleep 600", spec=json.loads(json.dumps(spec)), budgets=budgets)


@asynccontextmanager
async def _unbound_claim(scene: Scene) -> AsyncIterator[None]:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "unbound", "namespace": scene.home.namespace},
        "spec": {
            "storageClassName": "no-such-class",
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    await scene.kubectl("create", "-f", "-", text=json.dumps(claim))
    yield


@asynccontextmanager
async def _full_quota(scene: Scene) -> AsyncIterator[None]:
    """Allow no pod of one priority class in the drill's namespace."""
    scope = {"operator": "In", "scopeName": "PriorityClass", "values": [QUOTA_CLASS]}
    documents = [
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": QUOTA_CLASS},
            "value": 0,
        },
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "full", "namespace": scene.home.namespace},
            "spec": {"hard": {"pods": "0"}, "scopeSelector": {"matchExpressions": [scope]}},
        },
    ]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": documents})
    await scene.kubectl("apply", "-f", "-", text=text)
    try:
        yield
    finally:
        await scene.kubectl("delete", "priorityclass", QUOTA_CLASS)
        await scene.kubectl("-n", scene.home.namespace, "delete", "resourcequota", "full")


@asynccontextmanager
async def _no_runtime(scene: Scene) -> AsyncIterator[None]:
    """Offer a runtime class that no node's container runtime knows."""
    runtime = {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": NO_RUNTIME},
        "handler": "no-such-runtime",
    }
    await scene.kubectl("apply", "-f", "-", text=json.dumps(runtime))
    try:
        yield
    finally:
        await scene.kubectl("delete", "runtimeclass", NO_RUNTIME)


BACK_OFF: Final = "image pull in back-off (ImagePullBackOff)"
SOON: Final = {"schedule_seconds": 6}

CAUSES: Final = (
    *(
        Cause(name, Verdict.IMAGE_UNAVAILABLE, partial(_described, spec, {}))
        for name, spec in IMAGES.items()
    ),
    Cause(
        BACK_OFF,
        Verdict.IMAGE_UNAVAILABLE,
        partial(_described, beside(image="localhost:9/nothing:2"), {"image_seconds": 30}),
    ),
    *(
        Cause(name, Verdict.CONFIG_ERROR, partial(_described, spec, {}))
        for name, spec in DESCRIPTIONS.items()
    ),
    *(
        Cause(name, Verdict.UNSCHEDULABLE, partial(_described, spec, SOON))
        for name, spec in NODES.items()
    ),
    Cause(
        "volume claim unbound",
        Verdict.UNSCHEDULABLE,
        partial(_described, volume(persistentVolumeClaim={"claimName": "unbound"}), SOON),
        setting=_unbound_claim,
    ),
    Cause(
        "quota full",
        Verdict.UNSCHEDULABLE,
        partial(_described, {"priorityClassName": QUOTA_CLASS}, SOON),
        setting=_full_quota,
    ),
    Cause(
        "sandbox cannot be made (no such runtime)",
        Verdict.START_FAILED,
        partial(_described, {"runtimeClassName": NO_RUNTIME}, {"start_seconds": 15}),
        setting=_no_runtime,
    ),
)
"""None of them ever starts."""
