"""The commands `stationmaster sources ...`: fetch the real data, play the four systems."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from stationmaster.sources import support_api
from stationmaster.sources.days import generate_day
from stationmaster.sources.delivery import DAYS_AFTER
from stationmaster.sources.draw import FIRST_DAY, LAST_DAY
from stationmaster.sources.faults import FAULTS, inject, parse
from stationmaster.sources.faults import clear as clear_faults
from stationmaster.sources.retail import fetch as fetch_data
from stationmaster.sources.truth import write_people
from stationmaster.sources.world import World
from stationmaster.step.errors import MisconfiguredError
from stationmaster.step.settings import Settings

__all__ = ["app", "fault", "fetch", "generate", "serve"]

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Play the four upstream systems on real orders (development only).",
)


@app.command()
def fetch() -> None:
    """Download the real orders once (22 MB) and check them."""
    retail = fetch_data(Settings(), typer.echo)
    typer.echo(f"Ready: 1,067,371 real order lines at {retail.folder}")
    typer.echo("Next: stationmaster sources generate --from 2011-11-21 --to 2011-11-23")


@app.command()
def generate(
    first: Annotated[
        dt.datetime,
        typer.Option("--from", formats=["%Y-%m-%d"], help="First day, 2009-12-01 to 2011-12-09."),
    ],
    last: Annotated[
        dt.datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, included.")
    ],
    orders_a_day: Annotated[
        str, typer.Option(help="`real`, or orders on the median trading day, such as 10000.")
    ] = "real",
    seed: Annotated[int, typer.Option(help="Another seed: other people, same orders.")] = 1,
    faults: Annotated[
        list[str] | None, typer.Option("--fault", help="On the last day, such as web:late.")
    ] = None,
) -> None:
    """Write what web shop, app, delivery and support hold of each day."""
    settings = Settings()
    planned = [_fault(text) for text in faults or []]
    volume = None if orders_a_day == "real" else _whole(orders_a_day)
    days = _days(first.date(), last.date())
    world = World(fetch_data(settings, typer.echo), seed, volume)
    for day in days:
        counts = generate_day(world, settings, day)
        shown = ", ".join(f"{source} {records:,}" for source, records in counts.items())
        typer.echo(f"{day}  records: {shown}")
    for source, name, calls in planned:
        typer.echo(f"Fault: {inject(settings, name, source, last.date(), calls)}")
    support_api.token(settings)
    typer.echo(f"Landing folders: {settings.landing_location}/<source>/<day>")
    typer.echo(f"Truth (scoring only): {write_people(settings)}")
    typer.echo(f"Token of the support API: {settings.secrets_folder}")
    typer.echo("Next: stationmaster sources serve, and run the pipeline on these days")


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 8765,
    calls_a_second: Annotated[float, typer.Option(help="Rate limit over all callers.")] = 50.0,
) -> None:
    """Answer as customer support's REST API until stopped (Ctrl-C)."""
    settings = Settings()
    typer.echo(f"Support API at http://127.0.0.1:{port}/v1/tickets and /v1/status")
    typer.echo(f"Token: {settings.secrets_folder}/support-api-token")
    support_api.serve(settings, port, calls_a_second)


@app.command()
def fault(
    faults: Annotated[list[str] | None, typer.Argument(help="Such as web:late.")] = None,
    date: Annotated[
        dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The source's own day.")
    ] = None,
    *,
    clear: Annotated[bool, typer.Option(help="Let the support API answer properly.")] = False,
) -> None:
    """Put faults into generated data; without arguments, list what there is."""
    settings = Settings()
    if clear:
        clear_faults(settings)
        typer.echo("The support API answers properly; generate a day again to repair its files")
    elif faults and date:
        for text in faults:
            source, name, calls = _fault(text)
            typer.echo(inject(settings, name, source, date.date(), calls))
    elif faults:
        message = "name the day: --date 2011-11-21"
        raise typer.BadParameter(message, param_hint="--date")
    else:
        for source, kinds in FAULTS.items():
            for name, effect in kinds.items():
                typer.echo(f"{source}:{name:<14} {effect}")


def _fault(text: str) -> tuple[str, str, int | None]:
    try:
        return parse(text)
    except MisconfiguredError as problem:
        raise typer.BadParameter(str(problem), param_hint="fault") from problem


def _whole(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        message = f"{text!r} is neither `real` nor a number of orders such as 10000"
        raise typer.BadParameter(message, param_hint="--orders-a-day")
    return int(text)


def _days(first: dt.date, last: dt.date) -> list[dt.date]:
    if last < first:
        message = f"{last} is before --from {first}"
        raise typer.BadParameter(message, param_hint="--to")
    if not FIRST_DAY <= first <= last <= LAST_DAY + dt.timedelta(days=DAYS_AFTER):
        message = f"{first} to {last}: the real orders are of {FIRST_DAY} to {LAST_DAY}"
        raise typer.BadParameter(message, param_hint="--from/--to")
    return [first + dt.timedelta(days=day) for day in range((last - first).days + 1)]


if __name__ == "__main__":
    app()
