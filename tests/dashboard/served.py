"""A dashboard that really listens, on loopback, for as long as a test needs it."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx

from stationmaster.monitor.dashboard.access.doors import TokenDoor
from stationmaster.monitor.dashboard.reading.expectations import Expectations
from stationmaster.monitor.dashboard.sample.making import SENTENCE, sample_clock
from stationmaster.monitor.dashboard.sample.shop import MONITORING
from stationmaster.monitor.dashboard.serving import DashboardServer, build
from stationmaster.monitor.dashboard.settings import DashboardSettings
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import uvicorn

    from stationmaster.monitor.dashboard.state import Dashboard

__all__ = ["Served", "free_port", "listening", "serving"]


class Served:
    """Hold a dashboard that listens.

    Args:
        dashboard: Its parts.
        url: Where.
    """

    def __init__(self, dashboard: Dashboard, url: str) -> None:
        self.dashboard = dashboard
        self.url = url

    @property
    def link(self) -> str:
        """Return the link that lets in."""
        assert isinstance(self.dashboard.door, TokenDoor)
        return f"{self.url}/login?token={self.dashboard.door.token}"

    def stranger(self, **headers: str) -> httpx.Client:
        """Return a client that nobody has let in."""
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)

    def visitor(self) -> httpx.Client:
        """Return a client that came in by the link."""
        client = self.stranger()
        client.get(self.link)
        return client


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def serving(
    uri: str,
    folder: Path,
    *,
    settings: dict[str, Any] | None = None,
    port: int | None = None,
    sample: bool = True,
    **known: Any,  # noqa: ANN401 (fields of Dashboard)
) -> Iterator[Served]:
    """Serve a ledger.

    Args:
        uri: Of its database.
        folder: Home, with the secrets below.
        settings: Of the dashboard, where they are not the usual ones.
        port: Where to listen; any free one by default.
        sample: It is the made-up shop, at its own morning.
        **known: Parts of the dashboard.
    """
    place = Settings().model_copy(update={"ledger_uri": uri, "home": folder})
    if sample:
        known = {
            "clock": sample_clock(),
            "expectations": Expectations.of(MONITORING),
            "sample": SENTENCE,
            **known,
        }
    told = DashboardSettings(**{"poll_seconds": 0.2, **(settings or {})})
    dashboard = build(told, place=place, **known)
    chosen = port or free_port()
    with listening(DashboardServer(dashboard, host="127.0.0.1", port=chosen)):
        yield Served(dashboard, f"http://127.0.0.1:{chosen}")
    dashboard.source.engine.dispose()


@contextmanager
def listening(server: uvicorn.Server) -> Iterator[None]:
    """Run a server in a thread."""
    thread = threading.Thread(target=server.run)
    thread.start()
    until = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < until, "the server did not start"
        time.sleep(0.02)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(15)
