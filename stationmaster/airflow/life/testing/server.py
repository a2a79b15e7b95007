"""Serve the part of the Kubernetes API that a step's life uses, over real HTTP."""

from __future__ import annotations

import asyncio
import copy
import json
from typing import TYPE_CHECKING, Any, Final, Self

from aiohttp import web

from stationmaster.airflow.life.apierrors import ClusterError, NotThereError
from stationmaster.airflow.life.testing.faults import Faults, Refusal
from stationmaster.airflow.life.testing.nodes import FakeNodes
from stationmaster.airflow.life.testing.objects import PodObjects, matches
from stationmaster.airflow.life.testing.scripts import PodScript, container_state, now, succeeds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

__all__ = ["FakeCluster"]

BOOKMARK_SECONDS: Final = 5.0
PODS: Final = "/api/v1/namespaces/{namespace}/pods"


class FakeCluster:
    """Be an API server, a scheduler and a kubelet; an async context manager.

    Pods go through their script; a deleted one ends with exit code 143, unless its node is in
    `silent_nodes`. What comes over HTTP is what Kubernetes' own API would answer.

    Args:
        script: Chooses what becomes of a pod.
        port: To listen on, on 127.0.0.1; any free one by default.
    """

    def __init__(
        self, script: Callable[[dict[str, Any]], PodScript] | None = None, *, port: int = 0
    ) -> None:
        self.script = script or (lambda _: succeeds())
        self.objects = PodObjects()
        self.faults = Faults()
        self.events: list[dict[str, Any]] = []
        self.machines = FakeNodes()
        self.nodes = self.machines.items
        self.metrics: list[dict[str, Any]] = []
        self.silent_nodes: set[str] = set()
        self.created: list[str] = []
        """Names of all pods ever created, in order."""
        self._port = port
        self._runner: web.AppRunner | None = None
        self._scripts: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Return where it listens."""
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._scripts:
            task.cancel()
        await asyncio.gather(*self._scripts, return_exceptions=True)
        await self.stop()

    async def start(self) -> None:
        """Listen, again on the same port after a `stop`."""
        self.machines.closing.clear()
        app = web.Application()
        app.router.add_post(PODS, self._verb("create", self._create))
        app.router.add_get(PODS, self._list_or_watch)
        app.router.add_get(f"{PODS}/{{name}}", self._verb("get", self._get))
        app.router.add_route("PATCH", f"{PODS}/{{name}}", self._verb("patch", self._merge))
        app.router.add_route("PATCH", f"{PODS}/{{name}}/resize", self._verb("resize", self._resize))
        app.router.add_delete(f"{PODS}/{{name}}", self._verb("delete", self._delete))
        app.router.add_get(
            "/api/v1/namespaces/{namespace}/events", self._verb("events", self._events)
        )
        app.router.add_get("/api/v1/nodes", self._nodes)
        app.router.add_get("/apis/karpenter.sh/v1/nodeclaims", self.machines.list_claims)
        app.router.add_get("/api/v1/nodes/{name}", self._verb("node", self._node))
        path = "/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods"
        app.router.add_get(path, self._verb("metrics", self._pod_metrics))
        self._runner = web.AppRunner(app, shutdown_timeout=0.0, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Go away: connections break, new ones are refused. Pods live on."""
        self.faults.drop_watches()
        self.machines.closing.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def pod(self, name: str, namespace: str = "life") -> dict[str, Any]:
        """Return a pod as it is now."""
        return self.objects.get(namespace, name)

    def say(self, name: str, status: dict[str, Any], namespace: str = "life") -> None:
        """Write fields of a pod's status, as the kubelet or a controller does."""
        self.objects.set_status((namespace, name), status)

    def disrupt(self, name: str, reason: str, namespace: str = "life") -> None:
        """Do what drain, preemption, taints or node pressure do: say why, then delete."""
        target = {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": reason,
            "lastTransitionTime": now(),
        }
        conditions = self.pod(name, namespace)["status"].get("conditions") or []
        self.say(name, {"conditions": [*conditions, target]}, namespace)
        self.delete(name, namespace)

    def delete(
        self, name: str, namespace: str = "life", options: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Delete a pod as anybody may; a kubelet that answers ends its container."""
        pod = self.objects.delete(namespace, name, options or {})
        node = pod["spec"].get("nodeName")
        over = pod["status"].get("phase") in {"Succeeded", "Failed"}
        if node and not over and node not in self.silent_nodes:
            end = {"exitCode": 143, "reason": "Error", "finishedAt": now()}
            ended = container_state({"terminated": end}, "Failed")["status"]
            kept = pod["status"].get("conditions") or []
            self.objects.set_status((namespace, name), {**ended, "conditions": kept})
        return pod

    async def _play(self, key: tuple[str, str], script: PodScript) -> None:
        for seconds, state in script.states:
            await asyncio.sleep(seconds)
            pod = self.objects.pods.get(key)
            if pod is None or "deletionTimestamp" in pod["metadata"]:
                return
            self.objects.set_status(key, state["status"], state.get("node"))

    def _verb(
        self, verb: str, answer: Callable[[web.Request], Awaitable[dict[str, Any]]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            refusal = self.faults.next_of(verb)
            if refusal is not None and not refusal.after_the_fact:
                return _refused(refusal)
            try:
                document = await answer(request)
            except ClusterError as error:
                return _refused(Refusal(error.code, error.reason, error.message))
            return _refused(refusal) if refusal is not None else web.json_response(document)

        return handle

    async def _create(self, request: web.Request) -> dict[str, Any]:
        pod = await request.json()
        pod["metadata"]["namespace"] = request.match_info["namespace"]
        made = self.objects.create(pod)
        key = (made["metadata"]["namespace"], made["metadata"]["name"])
        self.created.append(key[1])
        task = asyncio.create_task(self._play(key, self.script(made)))
        self._scripts.add(task)
        task.add_done_callback(self._scripts.discard)
        return made

    async def _get(self, request: web.Request) -> dict[str, Any]:
        return self.objects.get(request.match_info["namespace"], request.match_info["name"])

    async def _merge(self, request: web.Request) -> dict[str, Any]:
        info = request.match_info
        return self.objects.merge_into(info["namespace"], info["name"], await request.json())

    async def _resize(self, request: web.Request) -> dict[str, Any]:
        info = request.match_info
        return self.objects.resize(info["namespace"], info["name"], await request.json())

    async def _delete(self, request: web.Request) -> dict[str, Any]:
        info, body = request.match_info, await request.read()
        return self.delete(info["name"], info["namespace"], json.loads(body or b"{}"))

    async def _events(self, request: web.Request) -> dict[str, Any]:
        uid = request.query.get("fieldSelector", "").rpartition("=")[2]
        found = [each for each in self.events if each["involvedObject"]["uid"] == uid]
        return {"items": found}

    async def _nodes(self, request: web.Request) -> web.StreamResponse:
        refusal = self.faults.next_of("nodes")
        return _refused(refusal) if refusal else await self.machines.list_or_watch(request)

    async def _node(self, request: web.Request) -> dict[str, Any]:
        name = request.match_info["name"]
        found = [node for node in self.nodes if node["metadata"]["name"] == name]
        if not found:
            msg = f'nodes "{name}" not found'
            raise NotThereError("get", code=404, reason="NotFound", message=msg)  # noqa: EM101 (the request)
        return found[0]

    async def _pod_metrics(self, request: web.Request) -> dict[str, Any]:
        del request
        return {"items": self.metrics}

    async def _list_or_watch(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("watch"):
            return await self._watch(request)
        return await self._verb("list", self._list)(request)

    async def _list(self, request: web.Request) -> dict[str, Any]:
        namespace, selector = request.match_info["namespace"], request.query["labelSelector"]
        found = [
            copy.deepcopy(pod)
            for (place, _), pod in sorted(self.objects.pods.items())
            if place == namespace and matches(pod, selector)
        ]
        first, limit = (int(request.query.get(each) or 0) for each in ("continue", "limit"))
        page = found[first : first + limit] if limit else found
        more = str(first + limit) if limit and first + limit < len(found) else ""
        metadata = {"resourceVersion": str(self.objects.version), "continue": more}
        return {"metadata": metadata, "items": page}

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        refusal = self.faults.next_of("watch")
        if refusal is not None:
            return _refused(refusal)
        answer = web.StreamResponse()
        await answer.prepare(request)
        version, drop = int(request.query["resourceVersion"]), self.faults.drop
        until = asyncio.get_running_loop().time() + float(request.query["timeoutSeconds"])
        while not drop.is_set() and asyncio.get_running_loop().time() < until:
            changed = self.objects.changed
            try:
                events = self.objects.since(version)
            except ClusterError as error:
                status = {"code": error.code, "reason": error.reason, "message": error.message}
                await answer.write(_line("ERROR", status))
                return answer
            lines = [
                _line(kind, pod)
                for _, kind, pod in events
                if pod["metadata"]["namespace"] == request.match_info["namespace"]
                and matches(pod, request.query["labelSelector"])
            ]
            version = events[-1][0] if events else version
            if not lines and not events:
                lines = [_line("BOOKMARK", {"metadata": {"resourceVersion": str(version)}})]
            await answer.write(b"".join(lines))
            await _first_of(changed, drop)
        if drop.is_set() and request.transport is not None:
            request.transport.abort()
        return answer


async def _first_of(*events: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=BOOKMARK_SECONDS, return_when="FIRST_COMPLETED")
    finally:
        for wait in waits:
            wait.cancel()


def _line(kind: str, document: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "object": document}).encode() + b"\n"


def _refused(refusal: Refusal) -> web.Response:
    status = {
        "kind": "Status",
        "code": refusal.code,
        "reason": refusal.reason,
        "message": refusal.message,
    }
    headers = {} if refusal.retry_after is None else {"Retry-After": str(refusal.retry_after)}
    return web.json_response(status, status=refusal.code, headers=headers)
