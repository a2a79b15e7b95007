"""A node that is an object only: no kubelet, no pod of anybody else's."""

from __future__ import annotations

import asyncio
import json
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.life_place import LifePlace
    from tests.cluster.place import Place

__all__ = ["ghost_node", "on_ghost", "say_state"]


@contextmanager
def ghost_node(place: Place) -> Iterator[str]:
    """Make a node that is ready and has no kubelet, and remove it."""
    name = f"ghost-{uuid.uuid4().hex[:6]}"
    room = {"cpu": "1", "memory": "1Gi", "pods": "10"}
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"ghost": name}},
        "spec": {"taints": [{"key": "ghost", "value": name, "effect": "NoSchedule"}]},
    }
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    status = json.dumps({"status": {**ready, "capacity": room, "allocatable": room}})
    place.kubectl("create", "-f", "-", text=json.dumps(node))
    try:
        place.kubectl("patch", "node", name, "--subresource=status", "--type=merge", "-p", status)
        yield name
    finally:
        place.kubectl("delete", "node", name, "--ignore-not-found")


def on_ghost(node: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
    """Return the part of a pod's spec that sends it to the ghost, and soon away from it."""
    tolerations = [
        {"key": "ghost", "operator": "Exists"},
        *(
            {
                "key": f"node.kubernetes.io/{state}",
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": 1,
            }
            for state in ("not-ready", "unreachable")
        ),
    ]
    return {
        "nodeSelector": {"ghost": node},
        "tolerations": tolerations,
        "terminationGracePeriodSeconds": 1,
        **fields,
    }


async def say_state(home: LifePlace, pod: str, phase: str, state: dict[str, Any]) -> None:
    """Write what a kubelet would of the pod's one container."""
    status = {"name": "base", "image": "x", "imageID": "x", "ready": True, "restartCount": 0}
    patch = {"status": {"phase": phase, "containerStatuses": [{**status, "state": state}]}}
    arguments = ("-n", home.namespace, "patch", "pod", pod, "--subresource=status")
    await asyncio.to_thread(home.place.kubectl, *arguments, "--type=merge", "-p", json.dumps(patch))
