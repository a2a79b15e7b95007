"""The commands `stationmaster forecast …`: when a series meets its limit, what a run will do."""

from __future__ import annotations

import json
import math
from typing import Annotated, Any

import typer

from stationmaster.monitor.series.announcing import (
    Announcement,
    Foretold,
    day_text,
    forecast_document,
    foretell,
)
from stationmaster.monitor.series.anomaly_commands import (
    AsJson,
    RhythmName,
    SeriesFile,
    counted,
    tell_set_aside,
)
from stationmaster.monitor.series.forecast import HORIZON_DAYS
from stationmaster.monitor.series.ledger_commands import deadline, steps
from stationmaster.monitor.series.reading import ReadSeries, read_series
from stationmaster.step.errors import MisconfiguredError

__all__ = ["app", "replay"]

app = typer.Typer(help="Say when a limit will be met, before it is.", no_args_is_help=True)
app.command()(steps)
app.command()(deadline)


@app.callback()
def _forecast() -> None:
    """Say when a limit will be met, before it is."""


@app.command()
def replay(
    series: SeriesFile,
    *,
    limit: Annotated[float, typer.Option(help="What the series must not meet, in its unit.")],
    as_json: AsJson = False,
    rhythm: RhythmName = None,
    horizon: Annotated[
        int, typer.Option(min=1, max=180, help="Days ahead beyond which nothing is told.")
    ] = HORIZON_DAYS,
) -> None:
    """Print when a series meets a limit, from when to when, and what was announced on the way."""
    if not math.isfinite(limit):
        raise MisconfiguredError(
            where="--limit",
            expected="a number in the series' unit",
            got=str(limit),
            hint="Write a finite number.",
        )
    found = read_series(series, rhythm)
    tell_set_aside(series, found)
    foretold = foretell(found.series, limit, horizon=horizon)
    document = _document(found, limit, foretold)
    if as_json:
        typer.echo(json.dumps(document, indent=2))
        return
    for line in _lines(document):
        typer.echo(line)


def _document(found: ReadSeries, limit: float, foretold: Foretold) -> dict[str, Any]:
    series, met = found.series, foretold.met_day
    return {
        "series": series.name,
        "rhythm": series.rhythm.name,
        "points": len(series),
        "from": series.rhythm.text_of(series.first),
        "to": series.rhythm.text_of(series.last),
        "limit": limit,
        "forecast": forecast_document(foretold.last, foretold.last_day),
        "met_at": None if met is None else day_text(met),
        "announcements": [_announced(each) for each in foretold.announcements],
        "set_aside": [each.as_document() for each in found.set_aside],
    }


def _announced(each: Announcement) -> dict[str, Any]:
    met = each.met_day
    return {
        **forecast_document(each.told, each.day),
        "met_at": None if met is None else day_text(met),
        "days_ahead": None if met is None else met - each.day,
        "met_in_interval": each.true,
    }


def _lines(document: dict[str, Any]) -> list[str]:
    last = document["forecast"]
    head = (
        f"{document['series']}: {counted(document['points'], document['rhythm'])}, "
        f"{document['from']} to {document['to']}; limit {document['limit']:g}"
    )
    now = f"  {last['outlook']}: {last['reason']}"
    if last["crosses_at"]:
        now += f" {last['crosses_earliest']} to {last['crosses_latest'] or 'never'}."
    lines = [head, now]
    lines += [
        f"  announced {each['at']}: {each['reason']} "
        + (f"It was met {each['met_at']}." if each["met_at"] else "It was not met.")
        for each in document["announcements"]
    ]
    return lines
