"""The command `stationmaster anomalies replay`: what is flagged in a series, and why."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stationmaster.monitor.series.anomalies import Replay
from stationmaster.monitor.series.anomalies import replay as replay_series
from stationmaster.monitor.series.calendars import read_calendar
from stationmaster.monitor.series.judgements import Standing
from stationmaster.monitor.series.limits import Sensitivity
from stationmaster.monitor.series.reading import ReadSeries, moment_of, read_series
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    import datetime as dt

__all__ = [
    "anomalies_document",
    "app",
    "counted",
    "option_moment",
    "replay",
    "tell_set_aside",
]

app = typer.Typer(help="Find what is off in a series.", no_args_is_help=True)

SeriesFile = Annotated[Path, typer.Argument(help="CSV with the columns timestamp,value.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
RhythmName = Annotated[
    str | None, typer.Option("--rhythm", help="daily or hourly; recognised by default.")
]


@app.callback()
def _anomalies() -> None:
    """Find what is off in a series."""


@app.command()
def replay(  # noqa: PLR0913 (the options of a command)
    series: SeriesFile,
    *,
    as_json: AsJson = False,
    rhythm: RhythmName = None,
    calendar: Annotated[
        Path | None, typer.Option(help="CSV with the columns date,kind: holiday or no-data.")
    ] = None,
    acknowledge: Annotated[
        list[str] | None,
        typer.Option(help="Timestamp of a flag whose new level is fine; may be repeated."),
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Values were due up to here; the last one by default.")
    ] = None,
    share: Annotated[
        float, typer.Option(min=0.01, max=0.99, help="The least drop worth an alarm.")
    ] = Sensitivity.share,
    spreads: Annotated[
        float, typer.Option(min=1, max=20, help="How many spreads off is too far.")
    ] = Sensitivity.spreads,
) -> None:
    """Judge each value by those before it; print what is flagged, why, and what was expected."""
    found = read_series(series, rhythm)
    tell_set_aside(series, found)
    chosen = found.series.rhythm
    fine = [option_moment(text, "--acknowledge") for text in acknowledge or ()]
    done = replay_series(
        found.series,
        sensitivity=Sensitivity(
            spreads=spreads, share=share, least_share=min(share, Sensitivity.least_share)
        ),
        calendar=None if calendar is None else read_calendar(calendar),
        acknowledged={chosen.period_of(moment) for moment in fine},
        until=None if until is None else option_moment(until, "--until"),
    )
    document = anomalies_document(found, done)
    if as_json:
        typer.echo(json.dumps(document, indent=2))
        return
    for line in _lines(document):
        typer.echo(line)


def anomalies_document(found: ReadSeries, done: Replay) -> dict[str, Any]:
    """Return what a replay found, for JSON."""
    series = found.series
    standings = [judgement.standing for judgement in done.judgements]
    judged = sum(
        each.value is not None
        and each.standing in (Standing.NORMAL, Standing.FLAGGED, Standing.CONTINUES)
        for each in done.judgements
    )
    enough = len(series) > done.needed
    return {
        "series": series.name,
        "rhythm": series.rhythm.name,
        "points": len(series),
        "from": series.rhythm.text_of(series.first),
        "to": series.rhythm.text_of(done.judgements[-1].period),
        "judged": judged,
        "history": "enough" if enough else f"not enough history: {len(series)} of {done.needed}",
        "incomplete": standings.count(Standing.INCOMPLETE),
        "least_drop_found": None if done.least_drop is None else round(done.least_drop, 3),
        "flagged": [flag.as_document(series.rhythm) for flag in done.flags],
        "set_aside": [each.as_document() for each in found.set_aside],
    }


def tell_set_aside(path: Path, found: ReadSeries) -> None:
    """Say on the error stream which rows were set aside, and why."""
    for each in found.set_aside:
        lines = ", ".join(map(str, each.lines))
        such = f", such as {each.example}" if each.example else ""
        told = f"{each.reason}{such} (line {lines})"
        sys.stderr.write(f"{path}: rows set aside: {each.rows}, {told}\n")


def counted(points: int, rhythm: str) -> str:
    """Return how many values of which rhythm there are: 604 daily values."""
    return f"{points:,} {rhythm} value{'' if points == 1 else 's'}"


def option_moment(text: str, option: str) -> dt.datetime:
    """Return the moment that an option names.

    Raises:
        MisconfiguredError: It is none.
    """
    moment = moment_of(text)
    if moment is None:
        raise MisconfiguredError(
            where=option,
            expected="a moment such as 2011-11-21 or 2011-11-21T14:00",
            got=text,
            hint="Write it in ISO 8601.",
        )
    return moment


def _lines(document: dict[str, Any]) -> list[str]:
    head = (
        f"{document['series']}: {counted(document['points'], document['rhythm'])}, "
        f"{document['from']} to {document['to']}; {document['judged']:,} judged, "
        f"{len(document['flagged'])} flagged"
    )
    lines = [head if document["history"] == "enough" else f"{head} ({document['history']})"]
    lines += [
        f"  {each['timestamp']}  {each['kind']:12}  {each['reason']}" + _extent(each)
        for each in document["flagged"]
    ]
    least = document["least_drop_found"]
    if least is not None:
        lines.append(f"  A drop of {least * 100:.0f} % would be found at once where it ends.")
    return lines


def _extent(flag: dict[str, Any]) -> str:
    if flag["periods"] == 1:
        return ""
    accepted = flag["accepted_at"]
    ending = f"; the new normal from {accepted} on" if accepted else ""
    return f" It went on to {flag['last_timestamp']}{ending}."
