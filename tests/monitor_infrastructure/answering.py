"""A small HTTP server on the loopback that answers paths with documents, and counts."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Asked", "answering"]


class Asked:
    """Hold one request.

    Args:
        path: Without its query.
        query: The query's, or the form's, first values.
        headers: As they came.
    """

    def __init__(self, path: str, query: dict[str, str], headers: dict[str, str]) -> None:
        self.path = path
        self.query = query
        self.headers = headers


@contextmanager
def answering(
    answer: Callable[[Asked], tuple[int, Any]], *, port: int = 0
) -> Iterator[tuple[str, list[Asked]]]:
    """Serve; yield the URL and the requests that came.

    Args:
        answer: Returns status and document for a request.
        port: To listen on; any free one by default.
    """
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply("")

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            self._reply(self.rfile.read(length).decode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base's name)
            del format, args

        def _reply(self, form: str) -> None:
            url = urlsplit(self.path)
            found = parse_qs(url.query) | parse_qs(form)
            query = {name: values[0] for name, values in found.items()}
            asked.append(Asked(url.path, query, dict(self.headers)))
            status, document = answer(asked[-1])
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
