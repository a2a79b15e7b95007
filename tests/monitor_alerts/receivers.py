"""Real receivers on loopback: a web server that takes webhooks, and a mail server."""

from __future__ import annotations

import email
import email.policy
import json
import socketserver
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from email.message import EmailMessage

__all__ = ["MailServer", "WebReceiver", "running_mail", "running_web"]


class WebReceiver:
    """Take requests and keep them; can refuse, hang up, go away and come back at its port."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.taken: list[tuple[str, dict[str, str], Any]] = []
        self.status = 200
        self.answer = b""
        self.requests = 0
        self.hold = threading.Event()
        self.hold.set()
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self.start()

    @property
    def documents(self) -> list[Any]:
        """Return what came, without addresses and headers."""
        return [document for _, _, document in self.taken]

    def start(self) -> None:
        """Listen, at the port of before."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.requests += 1
                receiver.hold.wait(20)
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if receiver.status < 400:
                    document = json.loads(body)
                    receiver.taken.append((self.path, dict(self.headers), document))
                self.send_response(receiver.status)
                self.end_headers()
                self.wfile.write(receiver.answer)

            def log_message(self, *_: object) -> None:  # tests' output stays readable
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        if self._tls is not None:
            self._server.socket = self._tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Be away: connections are refused."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@contextmanager
def running_web() -> Iterator[WebReceiver]:
    """Run a web server."""
    receiver = WebReceiver()
    try:
        yield receiver
    finally:
        receiver.hold.set()
        receiver.stop()


class MailServer(socketserver.ThreadingTCPServer):
    """Take mails by SMTP (RFC 5321: EHLO, MAIL, RCPT, DATA, QUIT) and keep them."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        super().__init__(("127.0.0.1", 0), _Session)

    @property
    def port(self) -> int:
        """Return where it listens."""
        return int(self.server_address[1])


class _Session(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        """Speak with one sender."""
        self._say("220 loopback")
        for line in self.rfile:
            verb = line.strip().upper()
            if verb.startswith(b"DATA"):
                self._say("354 go on")
                self._take()
            elif verb.startswith(b"QUIT"):
                self._say("221 bye")
                return
            else:
                if verb.startswith(b"RCPT"):
                    self.server.recipients.append(line.decode().strip())
                self._say("250 ok")

    def _take(self) -> None:
        lines = []
        for line in self.rfile:
            if line.rstrip(b"\r\n") == b".":
                break
            lines.append(line.removeprefix(b"."))
        mail = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
        self.server.mails.append(mail)
        self._say("250 taken")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def running_mail() -> Iterator[MailServer]:
    """Run a mail server."""
    with MailServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
