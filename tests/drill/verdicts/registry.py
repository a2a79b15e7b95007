"""A registry on each worker that answers as a real one does: no such image, or not for you."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from stationmaster.airflow.life.findings import Verdict
from tests.cluster.life_place import base_image
from tests.cluster.nodes import workers
from tests.drill.verdicts.endings import beside
from tests.drill.verdicts.scene import Cause

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from stationmaster.airflow.life.plan import StepPlan
    from tests.drill.verdicts.scene import Scene

__all__ = ["CAUSES"]

MISSING_PORT: Final = 5999
FORBIDDEN_PORT: Final = 5998
"""Of the node itself: its container runtime speaks plain HTTP to localhost only."""

SERVER: Final = """
import json, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Registry(BaseHTTPRequestHandler):
    def do_GET(self):
        code, word = 404, "MANIFEST_UNKNOWN"
        if self.path == "/v2/":
            code, word = 200, "OK"
        elif "/private/" in self.path:
            code, word = 403, "DENIED"
        body = json.dumps({"errors": [{"code": word, "message": word.lower()}]}).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)
    do_HEAD = do_GET

ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Registry).serve_forever()
"""


def _pod(node: str, port: int) -> dict[str, Any]:
    ready = {"exec": {"command": ["sh", "-c", f"grep -qi :{port:04X} /proc/net/tcp"]}}
    server = {
        "name": "registry",
        "image": base_image(),
        "command": ["python3", "-c", SERVER, str(port)],
        "readinessProbe": {**ready, "periodSeconds": 1},
    }
    spec = {
        "nodeName": node,
        "hostNetwork": True,
        "terminationGracePeriodSeconds": 0,
        "containers": [server],
    }
    metadata = {"name": f"registry-{node}", "labels": {"app": "verdict-registry"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


@asynccontextmanager
async def _registry(port: int, scene: Scene) -> AsyncIterator[None]:
    """Run a registry on each worker, in a namespace that lets it use the node's network."""
    namespace = ("-n", f"{scene.home.namespace}-{port}")
    await scene.kubectl("create", "namespace", namespace[1])
    try:
        items = [_pod(node, port) for node in workers(scene.place)]
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        await scene.kubectl(*namespace, "create", "-f", "-", text=text)
        wait = ("wait", "--for=condition=Ready", "pod", "--all", "--timeout=90s")
        await scene.kubectl(*namespace, *wait)
        yield
    finally:
        await scene.kubectl("delete", "namespace", namespace[1], "--wait=false")


def _plan(image: str, scene: Scene) -> StepPlan:
    return scene.plan(spec=beside(image=image))


CAUSES: Final = (
    Cause(
        "registry has no such image (404)",
        Verdict.IMAGE_UNAVAILABLE,
        partial(_plan, f"localhost:{MISSING_PORT}/shop/missing:1"),
        setting=partial(_registry, MISSING_PORT),
    ),
    Cause(
        "registry does not give us the image (403)",
        Verdict.IMAGE_UNAVAILABLE,
        partial(_plan, f"localhost:{FORBIDDEN_PORT}/private/image:1"),
        setting=partial(_registry, FORBIDDEN_PORT),
    ),
)
"""What a registry's answer says."""
