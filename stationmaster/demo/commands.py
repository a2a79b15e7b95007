"""The command `stationmaster demo`."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TextIO

import typer

from stationmaster.demo.summary import read_report, summary_lines
from stationmaster.step.errors import MisconfiguredError
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["demo"]

PIPELINE: Final = "morning_analytics"
REPORT: Final = "morning_report"
LOG_NAME: Final = "demo.log"
CHATTER: Final = "Z INFO "
"""Marks the lines in which a step tells of its inner work."""
FAULTY_SOURCE: Final = "delivery"
FAULT: Final = "malformed"
"""What is broken on the last day, so that a new user sees where bad records go."""
SOURCES: Final = ("web", "app", "delivery", "support")


def demo(
    until: Annotated[
        dt.datetime, typer.Option(formats=["%Y-%m-%d"], help="Last business date to run.")
    ] = dt.datetime(2011, 11, 23),  # noqa: DTZ001 (a calendar day, typer knows no dates)
    days: Annotated[int, typer.Option(min=1, max=60, help="How many business dates.")] = 8,
    *,
    again: Annotated[bool, typer.Option(help="Run days that are done already, too.")] = False,
) -> None:
    """Run morning analytics on real orders through Airflow, and say what came out."""
    settings = Settings()
    dates = [until.date() - dt.timedelta(days=back) for back in reversed(range(days))]
    started = time.monotonic()
    _play_sources(settings, dates)
    open_dates = [day for day in dates if again or not _report_file(settings, day).exists()]
    if open_dates:
        _run(settings, open_dates)
    else:
        typer.echo(f"3/3  Pipeline: {len(dates)} days are done already (--again runs them again)")
    typer.echo(f"Done in {time.monotonic() - started:.0f} s.\n")
    report = _report_file(settings, dates[-1])
    for line in summary_lines(read_report(report), page=report.with_name("index.html")):
        typer.echo(line)


def _play_sources(settings: Settings, dates: Sequence[dt.date]) -> None:
    """Fetch the real orders and write what the four systems hold, unless it is there."""
    # The sources extra is a developer's: other commands must not need it.
    from stationmaster.sources.days import generate_day, support_file  # noqa: PLC0415 (see above)
    from stationmaster.sources.faults import inject  # noqa: PLC0415 (see above)
    from stationmaster.sources.retail import fetch  # noqa: PLC0415 (see above)
    from stationmaster.sources.truth import write_people  # noqa: PLC0415 (see above)
    from stationmaster.sources.world import World  # noqa: PLC0415 (see above)

    typer.echo("1/3  Real orders: Online Retail II, 1,067,371 order lines of a UK shop")
    retail = fetch(settings, lambda line: typer.echo(f"     {line}"))
    # One day earlier: a business day that is ahead of UTC begins on the upstream's day before.
    days = [dates[0] - dt.timedelta(days=1), *dates]
    missing = [day for day in days if not support_file(settings, day).exists()]
    typer.echo(f"2/3  Four upstream systems for {len(dates)} days: {', '.join(SOURCES)}")
    if not missing:
        typer.echo("     there already")
        return
    world = World(retail, 1, None)
    for day in missing:
        counts = generate_day(world, settings, day)
        shown = ", ".join(f"{source} {records:,}" for source, records in counts.items())
        typer.echo(f"     {day}  records: {shown}")
    if dates[-1] in missing:
        typer.echo(f"     on purpose: {inject(settings, FAULT, FAULTY_SOURCE, dates[-1])}")
    write_people(settings)


def _run(settings: Settings, dates: Sequence[dt.date]) -> None:
    """Run the pipeline for the dates, with support's API answering beside it."""
    from stationmaster.airflow.laptop import run_pipeline  # noqa: PLC0415 (heavy, only here)
    from stationmaster.sources.support_api import running_api  # noqa: PLC0415 (see above)

    typer.echo(f"3/3  Pipeline {PIPELINE} through Airflow, each step a process of its own")
    log_file = settings.home / LOG_NAME
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with running_api(settings) as url, log_file.open("w", encoding="utf-8") as log:
        done = run_pipeline(
            PIPELINE,
            dates,
            home=settings.home,
            variables={"STATIONMASTER_SUPPORT_API_URL": url},
            on_line=lambda line: _show(line, log),
        )
    typer.echo(f"     every line of every step: {log_file}")
    if not done:
        raise MisconfiguredError(
            where=f"pipeline {PIPELINE}",
            expected=f"all of {', '.join(map(str, dates))} to succeed",
            got="a failed day; its lines are above",
            hint="Mend what the failed step names, then run `make demo` again: done days are kept.",
        )


def _show(line: str, log: TextIO) -> None:
    """Keep every line in the log; show those that tell how far the pipeline is."""
    log.write(f"{line}\n")
    if CHATTER not in line:
        typer.echo(f"     {line}")


def _report_file(settings: Settings, day: dt.date) -> Path:
    return Path(settings.reports_location) / REPORT / day.isoformat() / "report.json"
