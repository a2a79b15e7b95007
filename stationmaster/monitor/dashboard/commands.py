"""The command `stationmaster dashboard`: on a laptop, or wherever there is Python."""

from __future__ import annotations

import ipaddress
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import quote

import typer

from stationmaster.monitor.dashboard.access.doors import TokenDoor
from stationmaster.monitor.dashboard.reading.expectations import Expectations
from stationmaster.monitor.dashboard.sample.making import SENTENCE, make_sample, sample_clock
from stationmaster.monitor.dashboard.sample.shop import MONITORING
from stationmaster.monitor.dashboard.serving import build, serve
from stationmaster.monitor.dashboard.settings import DashboardSettings, Login
from stationmaster.monitor.tracing.spans import tracing
from stationmaster.step.errors import MisconfiguredError
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from stationmaster.monitor.dashboard.state import Dashboard

__all__ = ["dashboard"]

PORT: Final = 8790


def dashboard(
    *,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen at.")] = PORT,
    sample: Annotated[
        bool, typer.Option("--sample", help="Show a made-up shop: what all this is for.")
    ] = False,
) -> None:
    """Show management and engineers how pipelines and numbers stand, live."""
    settings = DashboardSettings()
    if sample:
        settings = settings.model_copy(update={"login": Login.TOKEN, "public_url": ""})
    _require_loopback(settings, host)
    with tempfile.TemporaryDirectory(prefix="stationmaster-sample-") as folder:
        built = _sample(settings, Path(folder)) if sample else build(settings)
        if isinstance(built.door, TokenDoor):
            shown = f"[{host}]" if ":" in host else host
            link = f"http://{shown}:{port}/login?token={quote(built.door.token)}"
            typer.echo(f"Dashboard: {link}")
            typer.echo("Whoever has this link may see and act. Ctrl+C ends it.")
        else:
            typer.echo(f"Dashboard at {host}:{port}; people come by {settings.public_url}")
        with tracing("stationmaster-dashboard"):
            serve(built, host=host, port=port)


def _sample(settings: DashboardSettings, folder: Path) -> Dashboard:
    place = Settings().model_copy(
        update={
            "ledger_uri": make_sample(folder / "sample.db"),
            "business_timezone": "Europe/London",
        }
    )
    return build(
        settings,
        place=place,
        clock=sample_clock(),
        expectations=Expectations.of(MONITORING),
        sample=SENTENCE,
    )


def _require_loopback(settings: DashboardSettings, host: str) -> None:
    """Refuse to hand numbers to a network on a token alone."""
    if settings.login is not Login.TOKEN or _is_loopback(host):
        return
    raise MisconfiguredError(
        where="--host",
        expected="a loopback address, 127.0.0.1 or ::1, since the login is a token",
        got=host,
        hint="Set STATIONMASTER_DASHBOARD_LOGIN to oidc or proxy: docs/dashboard.md.",
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
