"""A pod that takes webhooks and writes them to its log: where the cluster's alerts arrive."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.place import Place

__all__ = ["CHANNEL", "SECRET", "Received", "alert_receiver"]

NAME: Final = "alert-receiver"
SECRET: Final = "alert-receiver-channels"  # noqa: S105 (a name, no secret)
CHANNEL: Final = "receiver"
PORT: Final = 8099
SERVER: Final = f"""
import json
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        print(json.dumps(json.loads(body)), flush=True)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass

HTTPServer(("", {PORT}), Handler).serve_forever()
"""


class Received:
    """Hold what the pod has got."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def messages(self) -> list[dict[str, Any]]:
        """Return each message as apprise sent it, oldest first."""
        text = self._place.kubectl("logs", NAME, "-n", self._place.namespace)
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def texts(self) -> list[str]:
        """Return title and text of each."""
        return [f"{each['title']}\n{each['message']}" for each in self.messages()]


@contextmanager
def alert_receiver(place: Place, image: str) -> Iterator[Received]:
    """Run the pod, its Service and the Secret of its channel for as long as the block runs."""
    objects = [_pod(image), _service(), _secret(place)]
    listing = {"apiVersion": "v1", "kind": "List", "items": objects}
    here = ("-n", place.namespace)
    place.kubectl("delete", "pod", NAME, "--ignore-not-found", *here)
    place.kubectl("apply", "--server-side", "-f", "-", *here, text=json.dumps(listing))
    try:
        place.kubectl(
            "wait", "--for=condition=Ready", f"pod/{NAME}", "--timeout=2m", *here, seconds=130
        )
        yield Received(place)
    finally:
        for kind, name in (("pod", NAME), ("service", NAME), ("secret", SECRET)):
            place.kubectl("delete", kind, name, "--ignore-not-found", "--wait=false", *here)


def _pod(image: str) -> dict[str, Any]:
    container = {
        "name": "receiver",
        "image": image,
        "command": ["python", "-uc", SERVER],
        "ports": [{"containerPort": PORT}],
        "readinessProbe": {"tcpSocket": {"port": PORT}},
        "resources": {"limits": {"memory": "64Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": NAME, "labels": {"app": NAME}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
    }


def _service() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": NAME},
        "spec": {"selector": {"app": NAME}, "ports": [{"port": PORT}]},
    }


def _secret(place: Place) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": SECRET},
        "stringData": {CHANNEL: f"json://{NAME}.{place.namespace}.svc:{PORT}/alerts"},
    }
