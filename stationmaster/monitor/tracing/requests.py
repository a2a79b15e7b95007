"""A span for each page that the dashboard answers: an ASGI middleware."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from stationmaster.monitor.tracing.spans import TRACEPARENT, is_tracing, span

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

__all__ = ["TracedRequests"]

SERVER_ERROR: Final = 500
LONG: Final = ("/live", "/healthz", "/static")
"""Streams that stay open for hours, probes, and files: spans of them tell nothing."""


class TracedRequests:
    """Make a span of each request, below the one that its `traceparent` names.

    The span has the route and not the path, so that no name or token of a query is in it.

    Args:
        app: The application.
        skipped: Beginnings of paths without spans.
    """

    def __init__(self, app: App, skipped: tuple[str, ...] = LONG) -> None:
        self._app = app
        self._skipped = skipped

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request."""
        path = str(scope.get("path", ""))
        if scope["type"] != "http" or not is_tracing() or path.startswith(self._skipped):
            await self._app(scope, receive, send)
            return
        carried = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in scope["headers"]
            if name == TRACEPARENT.encode()
        }
        method = str(scope["method"])
        with span("stationmaster.page", kind="server", carried=carried) as made:

            async def noticing(message: Message) -> None:
                if message["type"] == "http.response.start":
                    status = int(message["status"])
                    made.note("http.response.status_code", status)
                    if status >= SERVER_ERROR:
                        made.fail(f"answered {status}")
                await send(message)

            made.note("http.request.method", method)
            await self._app(scope, receive, noticing)
            made.note("http.route", _route(scope))


def _route(scope: MutableMapping[str, Any]) -> str:
    """Return the pattern that a path matched."""
    return str(getattr(scope.get("route"), "path", ""))
