"""Put a dashboard together, from settings or from a sample, and serve it."""

from __future__ import annotations

import datetime as dt
import gc
import logging
from typing import TYPE_CHECKING, Any

import uvicorn

from stationmaster.ledger.engine import make_engine
from stationmaster.ledger.store import Ledger
from stationmaster.monitor.alerts.opening import plan_of
from stationmaster.monitor.dashboard.access.doors import (
    TOKEN_SECRET,
    ProxyDoor,
    SessionDoor,
    TokenDoor,
)
from stationmaster.monitor.dashboard.access.forms import Forms
from stationmaster.monitor.dashboard.access.logouts import Logouts
from stationmaster.monitor.dashboard.access.sessions import Sessions, signing_key
from stationmaster.monitor.dashboard.application import make_app, make_templates
from stationmaster.monitor.dashboard.links import Links
from stationmaster.monitor.dashboard.live import Live
from stationmaster.monitor.dashboard.reading.expectations import Expectations
from stationmaster.monitor.dashboard.reading.source import Source
from stationmaster.monitor.dashboard.runbooks import Runbooks
from stationmaster.monitor.dashboard.settings import DashboardSettings, Login
from stationmaster.monitor.dashboard.state import Dashboard
from stationmaster.monitor.monitoringreading import KeptMonitoring
from stationmaster.step.errors import MisconfiguredError
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from starlette.types import ASGIApp

    from stationmaster.monitor.dashboard.access.doors import Door
    from stationmaster.monitor.dashboard.access.oidc import OidcLogin

__all__ = ["DashboardServer", "app", "bring_up", "build", "serve"]

log = logging.getLogger(__name__)

END_SECONDS = 3
"""Open pages hold their stream: whoever stops the dashboard does not wait for them."""


def build(
    settings: DashboardSettings,
    *,
    place: Settings | None = None,
    clock: Callable[[], dt.datetime] | None = None,
    door: Door | None = None,
    key: bytes | None = None,
    **known: Any,  # noqa: ANN401 (fields of Dashboard)
) -> Dashboard:
    """Return a dashboard over the ledger that the settings name.

    Args:
        settings: Of the dashboard.
        place: Where the ledger and the secrets are; from the environment by default.
        clock: Tells the time; the real one by default.
        door: How people prove who they are; by the settings where it is left out.
        key: Signs sessions and forms; by the settings where it is left out.
        **known: Other parts of the dashboard.

    Raises:
        MisconfiguredError: Something that the login needs is missing.
    """
    settings.require()
    place = place or Settings()
    bring_up(place.ledger_location)
    source = Source(
        make_engine(place.ledger_location), clock or (lambda: dt.datetime.now(dt.UTC)), place.zone
    )
    key = key or signing_key(place.secrets_folder, settings.key_secret)
    path = settings.root_path or "/"
    sessions = Sessions(
        key, settings.session_hours, path, settings.is_encrypted, Logouts(source).is_over
    )
    silent = dt.timedelta(seconds=settings.silent_after_seconds)
    if "expectations" not in known:
        known |= _expected(place)
    return Dashboard(
        settings=settings,
        source=source,
        door=door or _door(settings, sessions, place),
        sessions=sessions,
        forms=Forms(key, path=path, encrypted=settings.is_encrypted),
        live=Live(source, settings.poll_seconds, silent),
        templates=make_templates(source),
        oidc=_oidc(settings, place),
        links=Links(settings.airflow_url or place.airflow_url),
        runbooks=Runbooks(settings.runbooks),
        **known,
    )


def _expected(place: Settings) -> dict[str, Any]:
    """Return what the file of expectations says, and what takes up another one."""
    kept = KeptMonitoring(place)
    known = [kept.read()]

    def reread(dashboard: Dashboard) -> None:
        found = kept.read()
        if found is known[0]:
            return
        known[0] = found
        dashboard.expectations = Expectations.of(found)
        dashboard.plan = plan_of(found, place)
        dashboard.source.forget_all()

    plan = plan_of(known[0], place)
    return {"expectations": Expectations.of(known[0]), "plan": plan, "reread": reread}


def bring_up(uri: str) -> None:
    """Make a laptop's file where nobody has made it yet, so that pages have tables to ask."""
    ledger = Ledger.open(uri)
    try:
        if ledger.is_local:
            ledger.migrate()
    finally:
        ledger.close()


def app() -> ASGIApp:
    """Return the application by the environment: `uvicorn --factory …serving:app`.

    Raises:
        MisconfiguredError: Something is missing, or the login is one that only a laptop has.
    """
    settings, place = DashboardSettings(), Settings()
    if settings.login is Login.TOKEN and not (place.secrets_folder / TOKEN_SECRET).is_file():
        raise MisconfiguredError(
            where="STATIONMASTER_DASHBOARD_LOGIN",
            expected=f"oidc or proxy, or a secret file {TOKEN_SECRET}",
            got="token, and nobody who would print one",
            hint="Set it; on a laptop start `stationmaster dashboard` instead.",
        )
    return make_app(build(settings, place=place))


class DashboardServer(uvicorn.Server):
    """Serve a dashboard; open pages, which listen for ever, do not hold its end.

    Args:
        dashboard: Which.
        host: Address to listen at.
        port: Likewise.
    """

    def __init__(self, dashboard: Dashboard, *, host: str, port: int) -> None:
        self._live = dashboard.live
        # What was imported stays: to look through all of it for garbage again and again is a
        # third of a page's time.
        gc.collect()
        gc.freeze()
        super().__init__(
            uvicorn.Config(
                make_app(dashboard),
                host=host,
                port=port,
                # Who sent a request is the peer, not what a header says: a proxy is known by its
                # address.
                proxy_headers=False,
                server_header=False,
                access_log=False,
                log_level="warning",
                timeout_graceful_shutdown=END_SECONDS,
            )
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then all else."""
        self._live.end()
        await super().shutdown(sockets)


def serve(dashboard: Dashboard, *, host: str, port: int) -> None:
    """Serve a dashboard until somebody ends it.

    Args:
        dashboard: Which.
        host: Address to listen at.
        port: Likewise.
    """
    DashboardServer(dashboard, host=host, port=port).run()


def _oidc(settings: DashboardSettings, place: Settings) -> OidcLogin | None:
    if settings.login is not Login.OIDC:
        return None
    from stationmaster.monitor.dashboard.access.oidc import OidcLogin  # noqa: PLC0415 (half a second)

    return OidcLogin(settings, place.secrets_folder)


def _door(settings: DashboardSettings, sessions: Sessions, place: Settings) -> Door:
    if settings.login is Login.PROXY:
        return ProxyDoor(settings)
    if settings.login is Login.OIDC:
        return SessionDoor("oidc", sessions)
    if settings.login is Login.AIRFLOW:
        raise MisconfiguredError(
            where="STATIONMASTER_DASHBOARD_LOGIN",
            expected="token, oidc or proxy: Airflow's session is known within Airflow only",
            got="airflow",
            hint="Leave it out; Airflow's plugin chooses it by itself.",
        )
    return TokenDoor.kept(sessions, place.secrets_folder)
