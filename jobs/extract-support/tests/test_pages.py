"""What happens when an API behaves in ways the played one does not: a server of our own."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from extract_support.job import run
from stationmaster.step.testing import JobRun, run_job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Answer = Callable[["BaseHTTPRequestHandler", int, int], None]

DAY = "2011-11-21"


def ticket(number: int) -> dict[str, Any]:
    """Return a ticket as the API gives it."""
    names = ("order_ref", "subject", "cancelled_amount")
    return {
        "ticket_id": f"T-{number}",
        "created_at": f"{DAY}T10:00:00Z",
        "updated_at": f"{DAY}T10:00:00Z",
        "customer": {"email": None, "name": None, "phone": None},
        "kind": "question",
        "status": "open",
        **dict.fromkeys(names),
    }


def send(handler: BaseHTTPRequestHandler, body: object, status: int = 200, **headers: str) -> None:
    """Answer with JSON (or raw bytes)."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """Serve tickets as `answer(handler, page, call)` does, and a status that is complete."""
    calls = iter(range(1, 1000))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            if "/v1/status" in self.path:
                send(self, {"complete_through": "2011-12-31T23:59:59Z"})
            else:
                answer(self, int(query["page"][0]), next(calls))

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def asked(answer: Answer) -> JobRun:
    """Run the job against a server that answers so."""
    with serving(answer) as url:
        patience = {"answer_seconds": 0.4, "patience_seconds": 0.8}
        return run_job(
            run, DAY, secrets={"support-api-token": "t"}, params={"api_url": url, **patience}
        )


def message(done: JobRun) -> str:
    """Return what a failed step says."""
    assert done.result.error is not None
    return done.result.error.message


def page(tickets: list[dict[str, Any]], number: int, pages: int, total: int) -> dict[str, object]:
    """Return a page as the API gives it."""
    return {"tickets": tickets, "page": number, "pages": pages, "total": total}


def test_pages_that_change_once_are_read_again() -> None:
    """A ticket that comes in between moves the others; the second round has them all."""

    def answer(handler: BaseHTTPRequestHandler, number: int, call: int) -> None:
        total = 2 if call == 1 else 3
        some = [ticket(1), ticket(2)] if number == 1 else [ticket(3)]
        send(handler, page(some, number, 2, total))

    done = asked(answer)

    assert sorted(done.table("support_tickets")["ticket_id"]) == ["T-1", "T-2", "T-3"]


def test_pages_that_never_stay_the_same_are_tried_again_later() -> None:
    """Three rounds, then the message tells what changed."""

    def answer(handler: BaseHTTPRequestHandler, number: int, call: int) -> None:
        send(handler, page([ticket(call)], number, 2, call))

    done = asked(answer)

    assert done.exit_code == 69
    assert "changes in each of 3 rounds, the last time 5 tickets became 6 by page 2" in message(
        done
    )


def test_fewer_tickets_than_announced_are_not_taken_for_all() -> None:
    """The sum over the pages is held against `total`."""

    def answer(handler: BaseHTTPRequestHandler, number: int, call: int) -> None:
        send(handler, page([ticket(call)], number, 1, 7))

    done = asked(answer)

    assert done.exit_code == 69
    assert "7 tickets were announced and 1 came" in message(done)


def test_a_ticket_that_the_api_holds_twice_is_taken_once() -> None:
    """The same repetition in two rounds is no change: it is dropped and counted."""

    def answer(handler: BaseHTTPRequestHandler, number: int, call: int) -> None:
        del call
        send(handler, page([ticket(1), ticket(number)], number, 2, 4))

    done = asked(answer)

    assert done.exit_code == 0
    assert sorted(done.table("support_tickets")["ticket_id"]) == ["T-1", "T-2"]
    assert "2 repeats dropped" in done.result.notes[-1]


def test_a_wait_beyond_all_patience_is_not_begun() -> None:
    """Retry-After of an hour ends the step at once: the scheduler waits more cheaply."""

    def answer(handler: BaseHTTPRequestHandler, number: int, call: int) -> None:
        del number, call
        send(handler, {}, 429, Retry_After="3600")

    done = asked(answer)

    assert done.exit_code == 69
    assert "which asks to wait 3600 s, asked once in 0 s" in message(done)


def test_an_answer_that_trickles_in_is_given_up() -> None:
    """Bytes that keep coming do not keep the step waiting without end."""

    def answer(handler: BaseHTTPRequestHandler, number: int, call: int) -> None:
        del number, call
        handler.send_response(200)
        handler.end_headers()
        for _ in range(20):
            handler.wfile.write(b" ")
            time.sleep(0.1)

    done = asked(answer)

    assert done.exit_code == 69
    assert "no whole answer in time" in message(done)


def test_another_address_is_told_with_what_it_answered() -> None:
    """A page not found is a setting to correct, never tried again."""

    def answer(handler: BaseHTTPRequestHandler, number: int, call: int) -> None:
        del number, call
        send(handler, b"<html>no such page</html>", 404)

    done = asked(answer)

    assert done.exit_code == 78
    assert "got status 404 Not Found: '<html>no such page</html>'" in message(done)
    assert "STATIONMASTER_SUPPORT_API_URL" in message(done)


def test_a_page_without_its_total_is_named() -> None:
    """The frame around the tickets has a shape, too."""

    def answer(handler: BaseHTTPRequestHandler, number: int, call: int) -> None:
        del call
        send(handler, {"tickets": [], "page": number, "pages": 1, "count": 0})

    done = asked(answer)

    assert done.exit_code == 65
    assert "support API /v1/tickets page 1: expected `total` (a whole number)" in message(done)
    assert "`total` is gone from 1 of 1 records, `count` is new" in message(done)
