"""The limit: bare pods, created and watched by as little code as can be.

`python -m tests.bench.cluster.bare_pods 1 20 50` prints one JSON line a count;
`--chain 10` runs that many one after the other.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import sys
import time
import uuid
from typing import TYPE_CHECKING, Any

import aiohttp

from tests.cluster.place import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["bare_pods", "empty_pod", "main"]

EMPTY = ("true",)
RESOURCES = {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}}
"""Small enough for 50 pods on two workers of two CPUs; the same for all that are compared."""


def empty_pod(name: str, image: str, labels: dict[str, str]) -> dict[str, Any]:
    """Return a pod that the namespace of the steps lets in and that ends at once."""
    container = {
        "name": "base",
        "image": image,
        "command": list(EMPTY),
        "resources": RESOURCES,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }
    spec = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels},
        "spec": spec,
    }


async def bare_pods(place: Place, count: int, *, chain: bool = False) -> float:
    """Run pods side by side, or one after the other; return seconds until all had succeeded."""
    mark = uuid.uuid4().hex[:8]
    url = f"/api/v1/namespaces/{place.steps_namespace}/pods"
    pods = [empty_pod(f"bare-{mark}-{n}", place.empty_image, {"bench": mark}) for n in range(count)]
    trust = ssl.create_default_context(cafile=str(place.ca_file))
    trust.load_cert_chain(place.client_cert, place.client_key)
    connector = aiohttp.TCPConnector(ssl=trust, limit=0)
    async with aiohttp.ClientSession(place.server, connector=connector) as http:

        async def create(pod: dict[str, Any]) -> None:
            async with http.post(url, json=pod) as answer:
                answer.raise_for_status()

        started = time.perf_counter()
        query = {"labelSelector": f"bench={mark}", "watch": "1"}
        async with http.get(url, params=query, timeout=aiohttp.ClientTimeout(None)) as watch:
            waiting = {pod["metadata"]["name"] for pod in pods}
            await asyncio.gather(*map(create, pods[: 1 if chain else count]))
            async for line in watch.content:
                seen = json.loads(line)["object"]
                phase, name = seen["status"]["phase"], seen["metadata"]["name"]
                if phase == "Succeeded" and name in waiting:
                    waiting.discard(name)
                    if chain and waiting:
                        await create(pods[count - len(waiting)])
                if phase == "Failed":
                    message = f"{name}: {seen['status']}"
                    raise RuntimeError(message)
                if not waiting:
                    break
        took = time.perf_counter() - started
        await http.delete(url, params={"labelSelector": f"bench={mark}"})
    return took


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure each count given and print one JSON line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("counts", nargs="*", type=int)
    parser.add_argument("--chain", type=int, default=0)
    given = parser.parse_args(arguments)
    place = Place.find()
    for count in given.counts:
        took = asyncio.run(bare_pods(place, count))
        sys.stdout.write(json.dumps({"pods": count, "wall_s": round(took, 2)}) + "\n")
    if given.chain:
        took = asyncio.run(bare_pods(place, given.chain, chain=True))
        sys.stdout.write(json.dumps({"chain": given.chain, "wall_s": round(took, 2)}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
