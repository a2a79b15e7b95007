"""The command `stationmaster dashboard`: on a laptop, or wherever there is Python."""

from __future__ import annotations

import datetime as dt
import ipaddress
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import quote

import sqlalchemy as sa
import typer

from stationmaster.ledger.engine import make_engine
from stationmaster.ledger.store import Ledger
from stationmaster.monitor.dashboard.access.doors import TokenDoor
from stationmaster.monitor.dashboard.access.logouts import EVERYBODY, end_sessions, logouts_of
from stationmaster.monitor.dashboard.reading.expectations import Expectations
from stationmaster.monitor.dashboard.sample.making import SENTENCE, make_sample, sample_clock
from stationmaster.monitor.dashboard.sample.shop import MONITORING
from stationmaster.monitor.dashboard.serving import build, serve
from stationmaster.monitor.dashboard.settings import DashboardSettings, Login
from stationmaster.monitor.incidents.operators import Operator, Role, login_name
from stationmaster.monitor.tracing.spans import tracing
from stationmaster.step.errors import MisconfiguredError
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from stationmaster.monitor.dashboard.state import Dashboard

__all__ = ["app", "dashboard", "sessions"]

PORT: Final = 8790

app = typer.Typer(add_completion=False)


@app.callback(invoke_without_command=True)
def _dashboard(
    context: typer.Context,
    *,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen at.")] = PORT,
    sample: Annotated[
        bool, typer.Option("--sample", help="Show a made-up shop: what all this is for.")
    ] = False,
) -> None:
    """Show management and engineers how pipelines and numbers stand, live."""
    if context.invoked_subcommand is None:
        dashboard(host=host, port=port, sample=sample)


@app.command()
def sessions(
    *,
    end: Annotated[
        str, typer.Option(help="Log this person out of all browsers, as the login names them.")
    ] = "",
    end_all: Annotated[bool, typer.Option("--end-all", help="Log everybody out.")] = False,
    why: Annotated[str, typer.Option(help="For the next reader.")] = "",
) -> None:
    """Log people out of all browsers, or show who was."""
    engine = make_engine(Settings().ledger_location)
    Ledger(engine).select(lambda _: sa.select(sa.literal(1)))  # its schema fits
    try:
        if end or end_all:
            me = Operator(name=login_name(), role=Role.OPERATOR, via="cli")
            now = dt.datetime.now(dt.UTC)
            end_sessions(engine, me, EVERYBODY if end_all else end, now=now, why=why)
        rows = logouts_of(engine)
    finally:
        engine.dispose()
    for row in rows:
        who = "everybody" if row["name"] == EVERYBODY else row["name"]
        told = f": {row['why']}" if row["why"] else ""
        typer.echo(
            f"{who}: sessions from before {row['since']:%Y-%m-%d %H:%M:%S} UTC are over, "
            f"by {row['made_by']}{told}"
        )
    if not rows:
        typer.echo("Nobody was ever logged out of all browsers.")


def dashboard(
    *,
    host: str = "127.0.0.1",
    port: int = PORT,
    sample: bool = False,
) -> None:
    """Serve the dashboard until somebody ends it.

    Args:
        host: Address to listen at.
        port: Likewise.
        sample: Show a made-up shop.

    Raises:
        MisconfiguredError: Something that the login needs is missing, or the address is one that
            others reach.
    """
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
