"""Serve nodes and Karpenter's NodeClaims: lists, and a watch that tells what came and went."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

__all__ = ["FakeNodes"]

LOOK_SECONDS: Final = 0.02


@dataclass
class FakeNodes:
    """Hold them; who adds to `items` or takes from it is seen by the watches."""

    items: list[dict[str, Any]] = field(default_factory=list)
    claims: list[dict[str, Any]] = field(default_factory=list)
    watched: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once a watch is open."""
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    """Ends the watches: a server that goes away waits for what it still answers."""

    async def list_or_watch(self, request: web.Request) -> web.StreamResponse:
        """Answer a GET of nodes."""
        if not request.query.get("watch"):
            return web.json_response({"metadata": {"resourceVersion": "1"}, "items": self.items})
        answer = web.StreamResponse()
        await answer.prepare(request)
        self.watched.set()
        before, loop = self._by_uid(), asyncio.get_running_loop()
        until = loop.time() + float(request.query["timeoutSeconds"])
        while loop.time() < until and not self.closing.is_set():
            now = self._by_uid()
            came = [("ADDED", now[uid]) for uid in now.keys() - before]
            went = [("DELETED", before[uid]) for uid in before.keys() - now]
            for kind, node in (*came, *went):
                line = json.dumps({"type": kind, "object": node}) + "\n"
                await answer.write(line.encode())
            before = now
            await asyncio.sleep(LOOK_SECONDS)
        return answer

    async def list_claims(self, request: web.Request) -> web.Response:
        """Answer a GET of NodeClaims; without any, as a cluster without Karpenter."""
        del request
        if not self.claims:
            return web.json_response({"kind": "Status", "code": 404}, status=404)
        return web.json_response({"items": self.claims})

    def _by_uid(self) -> dict[str, dict[str, Any]]:
        found = ((node["metadata"].get("uid"), node) for node in self.items)
        return {str(uid): node for uid, node in found if uid}
