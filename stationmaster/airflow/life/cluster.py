"""The Kubernetes API as a step's life needs it: pods, their events and logs, as plain JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote

from stationmaster.airflow.life.apierrors import NotThereError, error_of
from stationmaster.airflow.life.transport import Transport

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import AsyncIterator, Mapping
    from types import TracebackType

    import aiohttp

    from stationmaster.airflow.life.endpoint import Endpoint

__all__ = ["MOST_NODES", "Cluster"]

PATIENCE_SECONDS: Final = 60.0
"""How long a call is tried again by default; who must go on for longer calls again."""

SILENCE_SECONDS: Final = 150.0
"""A watch on which nothing came for so long is given up: bookmarks come about each minute."""

NODES: Final = "/api/v1/nodes"
MOST_NODES: Final = 999
NODE_CLAIMS: Final = "/apis/karpenter.sh/v1/nodeclaims"
STRATEGIC_MERGE_PATCH: Final = "application/strategic-merge-patch+json"


class Cluster:
    """Speak to one API server; an async context manager.

    Every call ends: with an answer, or with a ClusterError.

    Args:
        endpoint: Where it is, and who we are.
        patience_seconds: How long each call is tried again on 429, 5xx and broken connections.
    """

    def __init__(self, endpoint: Endpoint, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._transport = Transport(endpoint, patience_seconds=patience_seconds)

    @property
    def requests(self) -> Counter[str]:
        """Return how many requests were sent, by verb: what steps cost the API server."""
        return self._transport.requests

    async def __aenter__(self) -> Self:
        self._transport.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._transport.close()

    async def create_pod(self, pod: Mapping[str, Any]) -> dict[str, Any]:
        """Create a pod and return it as stored.

        Raises:
            ConflictError: The name is taken: also by an earlier send whose answer got lost.
            ClusterError: The API server refuses it, or is not reachable.
        """
        path = _pods(str(pod["metadata"]["namespace"]))
        return await self._transport.call("create", "POST", path, body=pod)

    async def get_pod(self, namespace: str, name: str) -> dict[str, Any] | None:
        """Return a pod, None where it is not there.

        Raises:
            ClusterError: The API server refuses, or is not reachable.
        """
        try:
            return await self._transport.call("get", "GET", _pods(namespace, name))
        except NotThereError:
            return None

    async def patch_pod(
        self, namespace: str, name: str, patch: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """Merge a patch into a pod (strategic merge); None where the pod is not there.

        Raises:
            ConflictError: The patch names another uid than the pod has.
            ClusterError: The API server refuses it, or is not reachable.
        """
        path = _pods(namespace, name)
        try:
            return await self._transport.call(
                "patch", "PATCH", path, body=patch, content_type=STRATEGIC_MERGE_PATCH
            )
        except NotThereError:
            return None

    async def resize_pod(self, namespace: str, name: str, patch: Mapping[str, Any]) -> None:
        """Change the resources of a running pod's containers (strategic merge).

        Raises:
            ClusterError: The API server refuses it, or is not reachable.
        """
        path = f"{_pods(namespace, name)}/resize"
        await self._transport.call(
            "resize", "PATCH", path, body=patch, content_type=STRATEGIC_MERGE_PATCH
        )

    async def delete_pod(
        self,
        namespace: str,
        name: str,
        *,
        uid: str = "",
        version: str = "",
        grace_seconds: int | None = None,
    ) -> bool:
        """Ask for a pod's deletion; False where it is not there.

        Args:
            namespace: Of the pod.
            name: Of the pod.
            uid: Delete this very pod, not a namesake.
            version: Only while this is still its resourceVersion.
            grace_seconds: Between SIGTERM and SIGKILL; the pod's own by default.

        Raises:
            ConflictError: Another pod has that name, or it has changed since.
            ClusterError: The API server refuses, or is not reachable.
        """
        options: dict[str, Any] = {}
        if must := {"uid": uid} if uid else {}:
            options["preconditions"] = must | ({"resourceVersion": version} if version else {})
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        try:
            await self._transport.call("delete", "DELETE", _pods(namespace, name), body=options)
        except NotThereError:
            return False
        return True

    async def list_pods(
        self, namespace: str, selector: str, *, page_size: int = 250
    ) -> AsyncIterator[tuple[list[dict[str, Any]], str]]:
        """Yield the pods in pages, each with the list's resourceVersion.

        Raises:
            ExpiredError: The list took so long that its continue token expired: start again.
            ClusterError: The API server refuses, or is not reachable.
        """
        token = ""
        while True:
            query = {"labelSelector": selector, "limit": str(page_size)}
            if token:
                query["continue"] = token
            page = await self._transport.call("list", "GET", _pods(namespace), query=query)
            yield page.get("items") or [], page["metadata"]["resourceVersion"]
            token = page["metadata"].get("continue") or ""
            if not token:
                return

    async def events_of(self, namespace: str, pod_uid: str) -> list[dict[str, Any]]:
        """Return the events of one pod, oldest first.

        Raises:
            ClusterError: The API server refuses, or is not reachable.
        """
        query = {"fieldSelector": f"involvedObject.uid={pod_uid}", "limit": "100"}
        path = f"/api/v1/namespaces/{quote(namespace)}/events"
        found = await self._transport.call("events", "GET", path, query=query)
        return sorted(found.get("items") or [], key=_event_time)

    async def get_node(self, name: str) -> dict[str, Any] | None:
        """Return a node, None where it is not there (any more).

        Raises:
            ClusterError: We may not read nodes (403, the chart's default), or as above.
        """
        try:
            return await self._transport.call("node", "GET", f"/api/v1/nodes/{quote(name)}")
        except NotThereError:
            return None

    async def list_nodes(self) -> tuple[list[dict[str, Any]], str]:
        """Return all nodes, MOST_NODES at most, and the list's resourceVersion.

        Raises:
            ClusterError: We may not read nodes (403, the chart's default), or as above.
        """
        found = await self._transport.call("nodes", "GET", NODES, query={"limit": str(MOST_NODES)})
        return list(found.get("items") or []), str(found["metadata"]["resourceVersion"])

    def watch_nodes(self, resource_version: str, *, seconds: int) -> AsyncIterator[dict[str, Any]]:
        """Return the events of nodes after the given version, as `watch_pods`."""
        return self._watch(NODES, {}, resource_version, seconds)

    async def list_node_claims(self) -> list[dict[str, Any]]:
        """Return Karpenter's NodeClaims: the machines that it bought.

        Raises:
            ClusterError: There is no Karpenter (404), no right (403), or as above.
        """
        found = await self._transport.call("nodeclaims", "GET", NODE_CLAIMS, query={"limit": "999"})
        return list(found.get("items") or [])

    async def pod_metrics(self, namespace: str, selector: str) -> list[dict[str, Any]]:
        """Return the PodMetrics of a namespace's pods, as metrics-server saw them last.

        Raises:
            ClusterError: No metrics-server (404), no right (403), or as above.
        """
        path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{quote(namespace)}/pods"
        query = {"labelSelector": selector}
        found = await self._transport.call("metrics", "GET", path, query=query)
        return list(found.get("items") or [])

    async def log_pieces(
        self, namespace: str, name: str, container: str, query: Mapping[str, str] | None = None
    ) -> AsyncIterator[bytes]:
        """Yield a container's log in pieces as they come, not cut at lines.

        Args:
            namespace: Of the pod.
            name: Of the pod.
            container: Of the pod.
            query: `follow`, `sinceTime`, `timestamps`, … as the API has them.

        Raises:
            ClusterError: The API server refuses, or the connection broke.
        """
        wanted = {"container": container, **(query or {})}
        path = f"{_pods(namespace, name)}/log"
        async with self._transport.stream("log", path, wanted, silence_seconds=None) as content:
            async for piece in content.iter_any():
                yield piece

    def watch_pods(
        self, namespace: str, selector: str, resource_version: str, *, seconds: int
    ) -> AsyncIterator[dict[str, Any]]:
        """Return the watch's events after the given version, bookmarks too, until it closes.

        Not tried again here: whoever watches knows from where to go on.

        Raises:
            ExpiredError: The version is too old.
            ClusterError: The API server refuses, or the connection broke.
        """
        chosen = {"labelSelector": selector}
        return self._watch(_pods(namespace), chosen, resource_version, seconds)

    async def _watch(
        self, path: str, chosen: Mapping[str, str], resource_version: str, seconds: int
    ) -> AsyncIterator[dict[str, Any]]:
        query = {
            "watch": "1",
            **chosen,
            "resourceVersion": resource_version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(seconds),
        }
        async with self._transport.stream(
            "watch", path, query, silence_seconds=SILENCE_SECONDS
        ) as content:
            async for line in _lines(content):
                event: dict[str, Any] = json.loads(line)
                if event["type"] == "ERROR":
                    status = event["object"]
                    code = int(status.get("code") or 500)
                    msg = f"watch {path}"
                    raise error_of(msg, code, status)
                yield event


def _pods(namespace: str, name: str = "") -> str:
    path = f"/api/v1/namespaces/{quote(namespace)}/pods"
    return f"{path}/{quote(name)}" if name else path


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Yield whole lines of any length: a pod may have 1.5 MiB, more than readline takes."""
    rest: list[bytes] = []
    async for piece in content.iter_any():
        first, *others = piece.split(b"\n")
        rest.append(first)
        for each in others:
            if line := b"".join(rest):
                yield line
            rest = [each]


def _event_time(event: Mapping[str, Any]) -> str:
    seen = event.get("lastTimestamp") or event.get("eventTime")
    return str(seen or event["metadata"].get("creationTimestamp") or "")
