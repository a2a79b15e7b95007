"""What every answer says to browsers: run our scripts only, keep nothing, be framed by nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Guards"]

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'"
)
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
YEAR_SECONDS: Final = 31_536_000
HEALTH: Final = "/healthz"
"""Asked by the kubelet, which names no host of ours."""


class Guards:
    """Add the headers to every answer.

    Args:
        app: What answers.
        framed_by: Who may show the pages in a frame: 'none', or 'self' (a page of Airflow's).
        encrypted: People come by HTTPS, and shall go on to.
        hosts: Names under which we are reached; empty: any. Another name means that another site
            lets somebody's browser ask us (DNS rebinding).
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        framed_by: str = "'none'",
        encrypted: bool = False,
        hosts: frozenset[str] = frozenset(),
    ) -> None:
        self._app = app
        self._hosts = hosts
        self._headers = {
            **HEADERS,
            "Content-Security-Policy": f"{POLICY}; frame-ancestors {framed_by}",
            "X-Frame-Options": "DENY" if framed_by == "'none'" else "SAMEORIGIN",
        }
        if encrypted:
            self._headers["Strict-Transport-Security"] = f"max-age={YEAR_SECONDS}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
                if "/static/" in scope["path"] and b"v=" in scope["query_string"]:
                    headers["Cache-Control"] = f"public, max-age={YEAR_SECONDS}, immutable"
                else:
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        app = self._app if self._is_for_us(scope) else PlainTextResponse("Unknown host.", 421)
        await app(scope, receive, guarded)

    def _is_for_us(self, scope: Scope) -> bool:
        if not self._hosts or scope["path"] == HEALTH:
            return True
        named = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        try:
            return len(named) == 1 and urlsplit(f"//{named[0]}").hostname in self._hosts
        except ValueError:  # no host at all: [
            return False
