"""Doors on loopback that can be shut and opened: before a server, or for webhooks."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

__all__ = ["Door", "Hook"]

CHUNK = 65_536


class Door:
    """Hand connections on to a server, until it is shut: then nobody listens.

    Args:
        endpoint: The server's URL.
    """

    def __init__(self, endpoint: str) -> None:
        self._to = ("127.0.0.1", int(endpoint.rpartition(":")[2]))
        self._listener: socket.socket | None = None
        self._port = 0
        self._going: list[socket.socket] = []

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.shut()

    @property
    def url(self) -> str:
        """Return where it is."""
        return f"http://127.0.0.1:{self._port}"

    def open(self) -> None:
        """Listen, at the same port as before."""
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=[self._listener], daemon=True).start()

    def shut(self) -> None:
        """Listen no more, and end what goes on."""
        going, self._going = self._going, []
        for each in ([self._listener] if self._listener else []) + going:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._listener = None

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._to)
            self._going += [client, server]
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=_pass_on, args=[source, target], daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(CHUNK):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


class Hook:
    """Receive webhooks on loopback; can be closed and opened again at the same port."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self._server: ThreadingHTTPServer | None = None
        self._port = 0

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Return what apprise calls it."""
        return f"json://127.0.0.1:{self._port}/"

    def open(self) -> None:
        """Listen."""
        got = self.got

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                got.append(json.loads(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
