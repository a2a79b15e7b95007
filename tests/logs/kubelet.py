"""A kubelet that has one log, and pods as the watch tells them, for tests of followed logs."""

from __future__ import annotations

import asyncio
import datetime as dt
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aiohttp import web

from stationmaster.airflow.life.cluster import Cluster
from stationmaster.airflow.life.endpoint import plain
from stationmaster.airflow.life.names import LOG_LABEL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FIRST = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


class Kubelet:
    """Serve one pod's log as the API server does, of which the node keeps the last lines only."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.breaks_after: list[int] = []
        self.asked: list[dict[str, str]] = []
        self.was_asked = asyncio.Event()
        self.ended = asyncio.Event()

    def say(self, *texts: str) -> None:
        """Let the pod print lines, one a second."""
        for text in texts:
            at = FIRST + dt.timedelta(seconds=len(self.lines))
            self.lines.append((f"{at:%Y-%m-%dT%H:%M:%S}.5Z", text))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Send what is there since a time, then break off or end."""
        self.asked.append(dict(request.query))
        response = web.StreamResponse()
        await response.prepare(request)
        since = request.query.get("sinceTime", "")[:19]
        lines = [line for line in self.lines if line[0][:19] >= since]
        breaks = self.breaks_after.pop(0) if self.breaks_after else None
        for stamp, text in lines[:breaks]:
            await response.write(f"{stamp} {text}\n".encode())
        if breaks is not None and request.transport is not None:
            request.transport.abort()
            self.was_asked.set()
            return response
        await self.ended.wait()
        for stamp, text in self.lines[self.lines.index(lines[-1]) + 1 if lines else 0 :]:
            await response.write(f"{stamp} {text}\n".encode())
        return response


@asynccontextmanager
async def served(kubelet: Kubelet) -> AsyncIterator[Cluster]:
    """Serve the pod's log on a port of the loopback, and talk to it with the real client."""
    app = web.Application()
    app.router.add_get("/api/v1/namespaces/{ns}/pods/{pod}/log", kubelet.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with Cluster(plain(f"http://127.0.0.1:{port}")) as cluster:
            yield cluster
    finally:
        await runner.cleanup()


def pod(*, live: bool, ended: bool, message: str = "", name: str = "p") -> dict[str, Any]:
    """Return a pod's state as the watch tells it."""
    state = {"terminated": {"exitCode": 1, "message": message}} if ended else {"running": {}}
    return {
        "metadata": {
            "name": name,
            "namespace": "steps",
            "uid": f"uid of {name}",
            "labels": {LOG_LABEL: "pod"} if live else {},
        },
        "spec": {"containers": [{"name": "base"}]},
        "status": {"containerStatuses": [{"name": "base", "state": state}]},
    }
