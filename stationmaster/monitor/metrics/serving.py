"""Serve metrics at /metrics: from a thread of the watcher, or a process of its own."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import generate_latest, make_wsgi_app

from stationmaster.monitor.metrics.collecting import registry_of
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    import sqlalchemy as sa

__all__ = ["METRICS_PORT", "MetricsServer", "metrics_app", "metrics_text", "serve_metrics"]

METRICS_PORT: Final = 9103


class _ThreadedServer(WSGIServer):
    """Answer a probe while a scrape waits for the database."""

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 (socketserver's signature)
        """Answer in a thread of its own."""
        thread = threading.Thread(target=self._answer, args=(request, client_address), daemon=True)
        thread.start()

    def _answer(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 (as above)
        try:
            self.finish_request(request, client_address)
        except OSError:
            pass  # whoever asked has gone
        finally:
            self.shutdown_request(request)


class _Quiet(WSGIRequestHandler):
    """Write no line a scrape."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (http.server's signature)
        """Say nothing."""


@dataclass(frozen=True)
class MetricsServer:
    """Hold a server that runs in a thread, until it is closed."""

    port: int
    server: WSGIServer

    def close(self) -> None:
        """Stop serving."""
        self.server.shutdown()
        self.server.server_close()


def serve_metrics(
    engine: sa.Engine,
    port: int,
    address: str = "0.0.0.0",  # noqa: S104 (Prometheus comes from elsewhere)
    trouble: Callable[[], str] = str,
) -> MetricsServer:
    """Serve /metrics, and /healthz that needs no database, from a thread; return the server.

    Args:
        engine: The ledger's database.
        port: Where; 0 takes a free one.
        address: Of the interface.
        trouble: What is wrong with the process that serves; "" while all is well.

    Raises:
        MisconfiguredError: The port cannot be taken.
    """
    app = metrics_app(engine, trouble)
    try:
        server = make_server(address, port, app, server_class=_ThreadedServer, handler_class=_Quiet)
    except OSError as error:
        raise MisconfiguredError(
            where=f"metrics port {port}",
            expected="a free port",
            got=str(error),
            hint="Stop what uses it, or name another by --metrics-port.",
        ) from error
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return MetricsServer(server.server_port, server)


def metrics_app(engine: sa.Engine, trouble: Callable[[], str] = str) -> Any:  # noqa: ANN401 (a WSGI application)
    """Return a WSGI application that answers /metrics and /healthz, for any server.

    Args:
        engine: The ledger's database.
        trouble: What is wrong with the process that serves: /healthz answers 503 and that.
    """
    metrics = make_wsgi_app(registry_of(engine))

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            return list(metrics(environ, start_response))
        status, said = "404 Not Found", "There are /metrics and /healthz here."
        if path == "/healthz":
            wrong = trouble()
            status, said = ("503 Service Unavailable", wrong) if wrong else ("200 OK", "ok")
        start_response(status, [("Content-Type", "text/plain")])
        return [f"{said}\n".encode()]

    return app


def metrics_text(engine: sa.Engine) -> str:
    """Return the metrics as Prometheus reads them."""
    return generate_latest(registry_of(engine)).decode()
