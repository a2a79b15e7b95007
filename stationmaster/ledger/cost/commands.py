"""The commands `stationmaster cost …`: show, what-if, prices."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from stationmaster.ledger.cost.answers import By, Window, costs, what_ifs
from stationmaster.ledger.cost.prices import PriceBook
from stationmaster.ledger.cost.settings import CostSettings
from stationmaster.ledger.cost.tables import report_document, report_lines, whatif_lines
from stationmaster.ledger.opening import opened_ledger, read_day
from stationmaster.step.errors import MisconfiguredError

__all__ = ["app", "list_prices", "refresh", "show", "what_if"]

DEFAULT_DAYS: Final = 7
FLEET: Final = "m5.xlarge"

app = typer.Typer(help="What steps cost, and what they had cost otherwise.", no_args_is_help=True)
prices_app = typer.Typer(help="The table of prices.", no_args_is_help=True)
app.add_typer(prices_app, name="prices")

Since = Annotated[str | None, typer.Option(help="First day (UTC), YYYY-MM-DD; a week ago.")]
Until = Annotated[str | None, typer.Option(help="Last day (UTC), YYYY-MM-DD; today.")]
Pipeline = Annotated[str | None, typer.Option(help="Only this pipeline (DAG).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command()
def show(
    *,
    by: Annotated[By, typer.Option(help="What to sum up by.")] = By.STEP,
    pipeline: Pipeline = None,
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
) -> None:
    """Show what steps cost: useful, slack, retries, start-up; and the nodes' idle time."""
    settings, window = CostSettings(), _window(since, until)
    with opened_ledger() as ledger:
        found = costs(ledger, window, by=by, settings=settings, pipeline=pipeline)
    if as_json:
        typer.echo(json.dumps(report_document(found, by.value, settings.currency), indent=2))
        return
    typer.echo(f"From {window.first} to {window.last}, {found.total.attempts:,} attempts.\n")
    for line in report_lines(found, by.value, settings.currency):
        typer.echo(line)


@app.command("what-if")
def what_if(
    *,
    since: Since = None,
    until: Until = None,
    fleet: Annotated[str, typer.Option(help="Instance type of the fixed fleet.")] = FLEET,
    margin: Annotated[float, typer.Option(min=1.0, help="Memory above the peak.")] = 1.1,
    as_json: AsJson = False,
) -> None:
    """Show what the same days had cost on a fixed fleet, on-demand, on spot, with other sizes."""
    settings, window = CostSettings(), _window(since, until)
    with opened_ledger() as ledger:
        bill, outcomes = what_ifs(ledger, window, settings=settings, fleet=fleet, margin=margin)
    if as_json:
        found = [
            {
                "what": each.what,
                "bill": each.bill,
                "saves": each.saves(bill),
                "sentence": each.sentence,
            }
            for each in outcomes
        ]
        document = {"currency": settings.currency, "bill": bill, "what_if": found}
        typer.echo(json.dumps(document, indent=2))
        return
    if not outcomes:
        typer.echo(
            "No attempt of those days has a node with a price: see `stationmaster cost show`."
        )
        return
    for line in whatif_lines(bill, outcomes, settings.currency):
        typer.echo(line)


@prices_app.command("list")
def list_prices(
    *,
    match: Annotated[str, typer.Argument(help="Part of an instance type's name.")] = "",
    as_json: AsJson = False,
) -> None:
    """List the prices that are used, in USD an hour, and where they are from."""
    rows = sorted(PriceBook.from_settings(CostSettings()), key=lambda row: row.instance_type)
    found = [row for row in rows if match in row.instance_type]
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in found], indent=2))
        return
    for row in found:
        spot = "-" if row.spot_usd_per_hour is None else f"{row.spot_usd_per_hour:.4f}"
        gib = f"{row.memory_bytes / 2**30:>7g} GiB"
        typer.echo(
            f"{row.region:<12} {row.instance_type:<16} {row.cpu_millicores / 1000:>6g} cores "
            f"{gib} {row.usd_per_hour:>9.4f} spot {spot:>7}  {row.source}"
        )


@prices_app.command()
def refresh(
    *,
    out: Annotated[
        Path | None, typer.Option(help="File to write; STATIONMASTER_COST_PRICES by default.")
    ] = None,
    spot: Annotated[bool, typer.Option(help="The mean of the last day's spot prices too.")] = True,
) -> None:
    """Fetch today's prices of the setting's region from AWS; needs pricing:GetProducts."""
    from stationmaster.ledger.cost.refreshing import fetch, write  # noqa: PLC0415 (boto3)

    settings = CostSettings()
    path = out or (settings.prices if settings.prices != Path() else None)
    if path is None:
        raise MisconfiguredError(
            where="cost prices refresh",
            expected="a file to write",
            got="neither --out nor STATIONMASTER_COST_PRICES",
            hint="Name one with --out, and set STATIONMASTER_COST_PRICES to it.",
        )
    rows = fetch(settings.region, with_spot=spot)
    write(rows, path)
    typer.echo(f"{path} has {len(rows)} prices of {settings.region}.")


def _window(since: str | None, until: str | None) -> Window:
    last = _day(until, "--until") or dt.datetime.now(dt.UTC).date()
    first = _day(since, "--since") or last - dt.timedelta(days=DEFAULT_DAYS - 1)
    if first > last:
        raise MisconfiguredError(
            where="--since",
            expected=f"a day not after {last}",
            got=str(first),
            hint="Change the two.",
        )
    return Window(first, last)


def _day(text: str | None, option: str) -> dt.date | None:
    return read_day(text, option, expected="a day such as 2026-08-03")
