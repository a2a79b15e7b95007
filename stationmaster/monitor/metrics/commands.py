"""The command `stationmaster metrics`: print them, or serve them to Prometheus."""

from __future__ import annotations

import signal
import threading
from typing import Annotated

import typer

from stationmaster.ledger.engine import make_engine
from stationmaster.monitor.metrics.serving import METRICS_PORT, metrics_text, serve_metrics
from stationmaster.step.settings import Settings

__all__ = ["metrics"]


def metrics(
    *,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help=f"Serve at this port, such as {METRICS_PORT}; 0 takes a free one.",
        ),
    ] = None,
    address: Annotated[str, typer.Option(help="Of the interface to serve at.")] = "127.0.0.1",
) -> None:
    """Print what Prometheus reads of the ledger and of monitoring, or serve it."""
    engine = make_engine(Settings().ledger_location)
    try:
        if port is None:
            typer.echo(metrics_text(engine), nl=False)
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        server = serve_metrics(engine, port, address)
        typer.echo(f"Metrics are at http://{address}:{server.port}/metrics.")
        stop.wait()
        server.close()
    finally:
        engine.dispose()
