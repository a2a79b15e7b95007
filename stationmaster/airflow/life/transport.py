"""Requests to an API server that end: bounded, tried again with back-off, counted."""

from __future__ import annotations

import asyncio
import json
import random
import socket
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from stationmaster.airflow.life.apierrors import ClusterError, ClusterUnreachableError, error_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from stationmaster.airflow.life.endpoint import Endpoint

__all__ = ["REQUEST_SECONDS", "Transport"]

REQUEST_SECONDS: Final = 20.0
"""One request's longest wait for its whole answer; a page of a list takes well below 1 s."""

CONNECTIONS: Final = 40
"""Plain requests at the same time; more would only queue in the API server's fairness."""

FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 10.0
TRY_AGAIN: Final = frozenset({408, 429, 500, 502, 503, 504})
"""Too Many Requests, and what an API server or the proxy before it answers while restarting."""

# A peer that vanished without a word (network cut, node gone) is noticed after
# KEEP_IDLE + KEEP_INTERVAL * KEEP_COUNT seconds, also on a watch on which nothing happens.
KEEP_IDLE: Final = 10
KEEP_INTERVAL: Final = 5
KEEP_COUNT: Final = 3


class Transport:
    """Send requests to one API server.

    Args:
        endpoint: Where it is, and who we are.
        patience_seconds: How long a call is tried again.
    """

    def __init__(self, endpoint: Endpoint, *, patience_seconds: float) -> None:
        self._endpoint = endpoint
        self._patience = patience_seconds
        self._slots = asyncio.Semaphore(CONNECTIONS)
        self._session: aiohttp.ClientSession | None = None
        self.requests: Counter[str] = Counter()

    def open(self) -> None:
        """Open the pool of connections, in the running event loop."""
        # Streams hold a connection each for long: they must not starve plain requests, which
        # have slots of their own.
        connector = aiohttp.TCPConnector(
            limit=0, ssl=self._endpoint.tls or True, socket_factory=_kept_alive
        )
        self._session = aiohttp.ClientSession(connector=connector)

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(  # noqa: PLR0913 (one argument for each part of a request)
        self,
        verb: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        """Send a request until it is answered for good, or patience is over.

        Raises:
            ClusterUnreachableError: No useful answer came within the patience.
            ClusterError: The API server refuses.
        """
        what = f"{verb} {path.removeprefix('/api/v1/')}"
        data = None if body is None else _compact(body)
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + self._patience
        pause = FIRST_PAUSE
        while True:
            wait = 0.0
            try:
                async with (
                    self._slots,
                    await self._send(
                        verb, method, path, query, _WHOLE, data, content_type
                    ) as answer,
                ):
                    document = await _body(answer)
                    if answer.ok and isinstance(document, dict):
                        return document
                    refusal = error_of(what, answer.status, document)
                    if answer.status not in TRY_AGAIN and not answer.ok:
                        raise refusal
                    wait = _retry_after(answer)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                refusal = _unreachable(what, error)
            # Jitter: thousands of steps must not come back in the same moment.
            wait = max(wait, pause * random.uniform(0.5, 1.0))  # noqa: S311 (no secret)
            pause = min(pause * 2, LONGEST_PAUSE)
            if loop.time() + wait > give_up_at:
                raise _given_up(refusal)
            await asyncio.sleep(wait)

    @asynccontextmanager
    async def stream(
        self, verb: str, path: str, query: Mapping[str, str], *, silence_seconds: float | None
    ) -> AsyncIterator[aiohttp.StreamReader]:
        """Open an answer that comes in pieces; not tried again here.

        Args:
            verb: What it counts as.
            path: Of the resource.
            query: Its parameters.
            silence_seconds: The longest wait for the next piece, None for any time.

        Raises:
            ClusterUnreachableError: The connection cannot be made, or broke.
            ClusterError: The API server refuses.
        """
        what = f"{verb} {path.removeprefix('/api/v1/')}"
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=REQUEST_SECONDS, sock_read=silence_seconds
        )
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                answer = await self._send(verb, "GET", path, query, timeout)
            async with answer:
                if not answer.ok:
                    raise error_of(what, answer.status, await _body(answer))
                yield answer.content
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreachable(what, error) from error

    async def _send(  # noqa: PLR0913, PLR0917 (as above)
        self,
        verb: str,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 (aiohttp's own, of each of its parts)
        data: bytes | None = None,
        content_type: str = "application/json",
    ) -> aiohttp.ClientResponse:
        if self._session is None:
            message = "The connection to the cluster is not open: use Cluster in `async with`."
            raise RuntimeError(message)
        headers = {"Accept": "application/json"}
        if authorization := await self._endpoint.authorization():
            headers["Authorization"] = authorization
        if data is not None:
            headers["Content-Type"] = content_type
        self.requests[verb] += 1
        return await self._session.request(
            method,
            self._endpoint.url + path,
            params=query,
            data=data,
            headers=headers,
            timeout=timeout,
            server_hostname=self._endpoint.server_name,
        )


_WHOLE: Final = aiohttp.ClientTimeout(total=REQUEST_SECONDS)


def _compact(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


async def _body(answer: aiohttp.ClientResponse) -> object:
    """Return the answer's JSON; its text where a proxy answered instead of the API server."""
    content = await answer.read()
    try:
        return json.loads(content)
    except ValueError:
        return content.decode("utf-8", "replace")


def _retry_after(answer: aiohttp.ClientResponse) -> float:
    """Return the seconds that the answer asks to wait; the API server never sends a date."""
    asked = answer.headers.get("Retry-After", "")
    return min(float(asked), 60.0) if asked.isdigit() else 0.0


def _unreachable(what: str, error: BaseException) -> ClusterUnreachableError:
    message = str(error) or type(error).__name__
    return ClusterUnreachableError(what, code=0, reason=type(error).__name__, message=message)


def _given_up(refusal: ClusterError) -> ClusterUnreachableError:
    return ClusterUnreachableError(
        refusal.what, code=refusal.code, reason=refusal.reason, message=refusal.message
    )


def _kept_alive(address: Any) -> socket.socket:  # noqa: ANN401 (aiohttp's own tuple)
    """Return a socket on which a peer that vanished without a word is noticed."""
    family, kind, protocol, _, _ = address
    made = socket.socket(family=family, type=kind, proto=protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        ("TCP_KEEPIDLE", KEEP_IDLE),
        ("TCP_KEEPINTVL", KEEP_INTERVAL),
        ("TCP_KEEPCNT", KEEP_COUNT),
        ("TCP_USER_TIMEOUT", 1000 * (KEEP_IDLE + KEEP_INTERVAL * KEEP_COUNT)),
    ):
        if hasattr(socket, option):  # Linux; elsewhere the system's own defaults stand
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return made
