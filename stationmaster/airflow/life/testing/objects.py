"""The pods of a fake API server, with the API's own rules for versions, finalizers and deletion."""

from __future__ import annotations

import asyncio
import copy
import datetime as dt
import uuid
from typing import Any, Final

from stationmaster.airflow.life.apierrors import ConflictError, ExpiredError, NotThereError
from stationmaster.airflow.life.testing.scripts import now

__all__ = ["PodObjects", "matches"]

PRIMITIVE: Final = "$deleteFromPrimitiveList/"


class PodObjects:
    """Keep pods and the history of their changes, from which watches are served."""

    def __init__(self) -> None:
        self.pods: dict[tuple[str, str], dict[str, Any]] = {}
        self.version = 1000
        self.oldest = 0
        """Watches from below this version are answered with 410."""
        self.history: list[tuple[int, str, dict[str, Any]]] = []
        self.changed = asyncio.Event()

    def get(self, namespace: str, name: str) -> dict[str, Any]:
        """Return a pod.

        Raises:
            NotThereError: There is none.
        """
        try:
            return self.pods[namespace, name]
        except KeyError:
            message = f'pods "{name}" not found'
            msg = "get"
            raise NotThereError(msg, code=404, reason="NotFound", message=message) from None

    def create(self, pod: dict[str, Any]) -> dict[str, Any]:
        """Add a pod.

        Raises:
            ConflictError: The name is taken.
        """
        pod = copy.deepcopy(pod)
        metadata = pod["metadata"]
        key = (metadata["namespace"], metadata["name"])
        if key in self.pods:
            message = f'pods "{metadata["name"]}" already exists'
            msg = "create"
            raise ConflictError(msg, code=409, reason="AlreadyExists", message=message)
        metadata |= {"uid": str(uuid.uuid4()), "creationTimestamp": now()}
        pod["status"] = {"phase": "Pending"}
        return self._store("ADDED", key, pod)

    def merge_into(self, namespace: str, name: str, patch: dict[str, Any]) -> dict[str, Any]:
        """Merge metadata into a pod, as a strategic merge patch does.

        Raises:
            NotThereError: There is no such pod.
            ConflictError: uid or resourceVersion is another one.
        """
        pod = copy.deepcopy(self.get(namespace, name))
        metadata, changes = pod["metadata"], dict(patch.get("metadata") or {})
        _require(metadata, changes)
        for field, value in changes.items():
            if field.startswith(PRIMITIVE):
                listed = field.removeprefix(PRIMITIVE)
                metadata[listed] = [each for each in metadata.get(listed, ()) if each not in value]
            elif isinstance(value, dict):
                metadata[field] = {**metadata.get(field, {}), **value}
            elif not field.startswith("$") and field != "resourceVersion":
                metadata[field] = value
        return self._store("MODIFIED", (namespace, name), pod)

    def resize(self, namespace: str, name: str, patch: dict[str, Any]) -> dict[str, Any]:
        """Give containers other resources; a kubelet that answers applies them at once.

        Raises:
            NotThereError: There is no such pod.
            ConflictError: uid is another one.
        """
        pod = copy.deepcopy(self.get(namespace, name))
        _require(pod["metadata"], dict(patch.get("metadata") or {}))
        for change in patch["spec"]["containers"]:
            parts = (*pod["spec"]["containers"], *(pod["status"].get("containerStatuses") or ()))
            for part in parts:
                if part["name"] == change["name"]:
                    own = part.setdefault("resources", {})
                    for kind, values in change["resources"].items():
                        own[kind] = {**(own.get(kind) or {}), **values}
        return self._store("MODIFIED", (namespace, name), pod)

    def delete(self, namespace: str, name: str, options: dict[str, Any]) -> dict[str, Any]:
        """Ask for a pod's end: at once where nothing runs, else when its kubelet says so.

        Raises:
            NotThereError: There is no such pod.
            ConflictError: uid or resourceVersion is another one.
        """
        pod = copy.deepcopy(self.get(namespace, name))
        metadata = pod["metadata"]
        _require(metadata, options.get("preconditions") or {})
        if "deletionTimestamp" not in metadata:
            over = pod["status"].get("phase") in {"Succeeded", "Failed"}
            placed = pod["spec"].get("nodeName")
            own = pod["spec"].get("terminationGracePeriodSeconds", 30)
            grace = 0 if over or not placed else options.get("gracePeriodSeconds", own)
            until = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=grace)
            metadata["deletionTimestamp"] = until.strftime("%Y-%m-%dT%H:%M:%SZ")
            metadata["deletionGracePeriodSeconds"] = grace
        return self._store("MODIFIED", (namespace, name), pod)

    def set_status(
        self, key: tuple[str, str], status: dict[str, Any], node: str | None = None
    ) -> None:
        """Change what the kubelet, the scheduler or a controller says of a pod."""
        if key not in self.pods:
            return
        pod = copy.deepcopy(self.pods[key])
        pod["status"] = {**pod["status"], **copy.deepcopy(status)}
        if node is not None:
            pod["spec"]["nodeName"] = node
        self._store("MODIFIED", key, pod)

    def vanish(self, namespace: str, name: str) -> None:
        """Remove a pod at once, whatever holds it: etcd was restored, a finalizer was struck."""
        self._store("DELETED", (namespace, name), copy.deepcopy(self.get(namespace, name)))

    def forget_history(self) -> None:
        """Compact: who watches from an older version gets 410."""
        self.history.clear()
        self.oldest = self.version + 1
        self.version += 1

    def since(self, version: int) -> list[tuple[int, str, dict[str, Any]]]:
        """Return the changes after a version.

        Raises:
            ExpiredError: It is too old.
        """
        if version < self.oldest:
            message = f"too old resource version: {version} ({self.oldest})"
            msg = "watch"
            raise ExpiredError(msg, code=410, reason="Expired", message=message)
        first = len(self.history)
        while first and self.history[first - 1][0] > version:
            first -= 1
        return self.history[first:]

    def _store(self, kind: str, key: tuple[str, str], pod: dict[str, Any]) -> dict[str, Any]:
        self.version += 1
        metadata = pod["metadata"]
        metadata["resourceVersion"] = str(self.version)
        if kind == "MODIFIED" and _may_go(pod):
            kind = "DELETED"
        if kind == "DELETED":
            self.pods.pop(key, None)
        else:
            self.pods[key] = pod
        self.history.append((self.version, kind, pod))
        self.changed.set()
        self.changed = asyncio.Event()
        return pod


def _may_go(pod: dict[str, Any]) -> bool:
    metadata = pod["metadata"]
    if "deletionTimestamp" not in metadata or metadata.get("finalizers"):
        return False
    over = pod["status"].get("phase") in {"Succeeded", "Failed"}
    return over or not pod["spec"].get("nodeName")


def _require(metadata: dict[str, Any], must: dict[str, Any]) -> None:
    for field in ("uid", "resourceVersion"):
        if must.get(field) and must[field] != metadata[field]:
            message = f"Precondition failed: {field} is {metadata[field]}, not {must[field]}"
            msg = "change"
            raise ConflictError(msg, code=409, reason="Conflict", message=message)


def matches(pod: dict[str, Any], selector: str) -> bool:
    """Tell whether a pod has the labels of a selector of the form a=b,c=d."""
    labels = pod["metadata"].get("labels") or {}
    wanted = (part.partition("=") for part in selector.split(",") if part)
    return all(labels.get(name) == value for name, _, value in wanted)
