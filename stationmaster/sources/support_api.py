"""Customer support's REST API: a token, pages, a rate limit, and faults on demand."""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import hmac
import json
import secrets as random_secrets
import socket
import threading
import time
from bisect import bisect_left
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from stationmaster.sources.days import support_folder
from stationmaster.sources.plan import Plan, load_plan
from stationmaster.step.errors import MisconfiguredError, UpstreamUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.requests import Request

    from stationmaster.step.settings import Settings

__all__ = ["TOKEN_NAME", "Desk", "Ticket", "application", "running_api", "serve", "token"]

TOKEN_NAME: Final = "support-api-token"  # noqa: S105 (the secret's name, not the secret)
_MOST_A_PAGE: Final = 500
_HANGS_SECONDS: Final = 600
_DAYS_KEPT: Final = 3

Ticket = dict[str, Any]


def token(settings: Settings) -> str:
    """Return the API's token, made and kept in the secrets folder at first use."""
    path = settings.secrets_folder / TOKEN_NAME
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(random_secrets.token_urlsafe(24) + "\n")
    return path.read_text().strip()


@dataclass
class Desk:
    """Hold what the API answers from.

    Args:
        folder: Day files written by `stationmaster sources generate`.
        token: What callers must show.
        plan: Faults to play; None: those of the folder's plan file, read at each call.
        calls_a_second: Rate limit over all callers; a short burst of twice that is let through.
    """

    folder: Path
    token: str
    plan: Plan | None = None
    calls_a_second: float = 50.0
    _read: dict[dt.date, tuple[int, list[str], list[Ticket]]] = field(default_factory=dict)
    _calls: int = 0
    _allowance: float = -1.0
    _asked_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def days(self) -> list[dt.date]:
        """Return the days there are files of."""
        return sorted(
            dt.date.fromisoformat(file.name.removesuffix(".jsonl.gz"))
            for file in self.folder.glob("*.jsonl.gz")
        )

    def tickets(self, start: dt.datetime, end: dt.datetime) -> list[Ticket]:
        """Return tickets created in [start, end), sorted by created_at, ticket_id."""
        found: list[Ticket] = []
        for day in self.days():
            if start.date() <= day <= end.date():
                created, tickets = self._of_day(day)
                low, high = bisect_left(created, _iso(start)), bisect_left(created, _iso(end))
                found += tickets[low:high]
        return found

    def _of_day(self, day: dt.date) -> tuple[list[str], list[Ticket]]:
        """Return a day's tickets as its file has them, sorted, and when each was created."""
        path = self.folder / f"{day}.jsonl.gz"
        version = path.stat().st_mtime_ns
        if self._read.get(day, (0, [], []))[0] != version:
            with gzip.open(path, "rt") as stream:
                tickets = [json.loads(line) for line in stream]
            while len(self._read) >= _DAYS_KEPT:
                self._read.pop(next(iter(self._read)))
            self._read[day] = (version, [ticket["created_at"] for ticket in tickets], tickets)
        _, created, tickets = self._read[day]
        return created, tickets

    def complete_through(self) -> dt.datetime | None:
        """Return the last second all of whose tickets are there; None before the first day."""
        late, days = self.faults().late_from, self.days()
        if not days:
            return None
        last = days[-1] if late is None else min(days[-1], late - dt.timedelta(days=1))
        return dt.datetime.combine(last, dt.time(23, 59, 59), dt.UTC)

    def faults(self) -> Plan:
        """Return the faults to play now."""
        return self.plan if self.plan is not None else load_plan(self.folder)

    def next_call(self) -> int:
        """Count a call for tickets, from 1."""
        with self._lock:
            self._calls += 1
            return self._calls

    def wait_needed(self) -> float:
        """Return 0 where the rate limit lets the call through, else the seconds to wait."""
        with self._lock:
            now, most = time.monotonic(), 2 * self.calls_a_second
            since = now - self._asked_at
            refilled = self._allowance + since * self.calls_a_second
            self._allowance = most if self._allowance < 0 else min(most, refilled)
            self._asked_at = now
            if self._allowance >= 1:
                self._allowance -= 1
                return 0.0
            return (1 - self._allowance) / self.calls_a_second


def application(desk: Desk) -> Starlette:
    """Return the ASGI application of a desk."""

    async def list_tickets(request: Request) -> Response:
        if refused := _refused(desk, request):
            return refused
        if played := await _played(desk, desk.next_call()):
            return played
        try:
            query = _query(request)
        except ValueError as problem:
            return _error(400, "bad_request", str(problem))
        return JSONResponse(_page(desk, *query))

    async def status(request: Request) -> Response:
        if refused := _refused(desk, request):
            return refused
        through = desk.complete_through()
        return JSONResponse({"complete_through": _iso(through) if through else None})

    return Starlette(routes=[Route("/v1/tickets", list_tickets), Route("/v1/status", status)])


def _refused(desk: Desk, request: Request) -> Response | None:
    shown = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not hmac.compare_digest(shown.encode(), desk.token.encode()):
        return _error(401, "unauthorized", "Send `Authorization: Bearer <token>`.")
    if wait := desk.wait_needed():
        return _too_many(max(1, round(wait + 0.5)))
    return None


async def _played(desk: Desk, call: int) -> Response | None:
    """Answer as the fault plan says, or None for a proper answer."""
    fault = desk.faults().for_call(call)
    if fault == "429":
        return _too_many(1)
    if fault == "500":
        return _error(500, "internal", "Something went wrong on our side.")
    if fault == "malformed":
        return Response('{"tickets": [{"ticket_id": "T-0', media_type="application/json")
    if fault == "hang":
        await asyncio.sleep(_HANGS_SECONDS)
    return None


def _query(request: Request) -> tuple[dt.datetime, dt.datetime, int, int]:
    asked = request.query_params
    missing = [name for name in ("created_from", "created_to") if name not in asked]
    if missing:
        problem = f"missing parameter {missing[0]}"
        raise ValueError(problem)
    start, end = (_moment(asked[name]) for name in ("created_from", "created_to"))
    page, size = int(asked.get("page", "1")), int(asked.get("per_page", "100"))
    if page < 1 or not 1 <= size <= _MOST_A_PAGE:
        problem = f"page must be 1 or more, per_page 1 to {_MOST_A_PAGE}"
        raise ValueError(problem)
    return start, end, page, size


def _moment(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        problem = f"{text} has no offset: write it with Z"
        raise ValueError(problem)
    return moment.astimezone(dt.UTC)


def _page(
    desk: Desk, start: dt.datetime, end: dt.datetime, page: int, size: int
) -> dict[str, object]:
    tickets = desk.tickets(start, end)
    change = desk.faults().changed
    shown = [change(ticket) for ticket in tickets[(page - 1) * size : page * size]]
    pages = max(1, -(-len(tickets) // size))
    return {"tickets": shown, "page": page, "pages": pages, "total": len(tickets)}


def _iso(moment: dt.datetime) -> str:
    return f"{moment.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status)


def _too_many(seconds: int) -> Response:
    answer = _error(429, "too_many_requests", f"Wait {seconds} s.")
    answer.headers["Retry-After"] = str(seconds)
    return answer


def serve(settings: Settings, port: int, calls_a_second: float = 50.0) -> None:
    """Answer on 127.0.0.1 until stopped.

    Raises:
        MisconfiguredError: The port is taken.
    """
    desk = Desk(support_folder(settings), token(settings), calls_a_second=calls_a_second)
    with _listener(port) as listener:
        config = uvicorn.Config(application(desk), log_level="warning", timeout_graceful_shutdown=1)
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])


def _listener(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as problem:
        raise MisconfiguredError(
            where=f"port {port} of 127.0.0.1",
            expected="a free port for the support API",
            got=f"{problem.strerror}",
            hint="Stop what listens there, or take another: --port, with "
            "STATIONMASTER_SUPPORT_API_URL for the pipeline.",
        ) from problem


@contextmanager
def running_api(
    settings: Settings,
    plan: Plan | None = None,
    *,
    port: int = 0,
    calls_a_second: float = 1000.0,
) -> Iterator[str]:
    """Run the API in a thread and yield its URL; a free port is taken unless one is given.

    Raises:
        UpstreamUnavailableError: The server did not start within ten seconds.
    """
    desk = Desk(support_folder(settings), token(settings), plan, calls_a_second)
    listener = _listener(port)
    config = uvicorn.Config(
        application(desk), log_level="critical", timeout_graceful_shutdown=0, lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        _await_start(server, url)
        yield url
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()


def _await_start(server: uvicorn.Server, url: str) -> None:
    patience = time.monotonic() + 10
    while not server.started:
        if time.monotonic() > patience:
            raise UpstreamUnavailableError(
                where=f"support API at {url}",
                expected="a server within 10 s",
                got="none",
                hint="Try again; the machine may be overloaded.",
            )
        time.sleep(0.01)
