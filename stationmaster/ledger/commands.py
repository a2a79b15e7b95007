"""The commands `stationmaster ledger …`: look, export, keep in order."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 (typer reads the annotations)
from typing import TYPE_CHECKING, Annotated

import typer

from stationmaster.ledger.choosing import Choice
from stationmaster.ledger.opening import opened_ledger, read_day
from stationmaster.ledger.replaying import files_to_replay
from stationmaster.ledger.replaying import replay as replay_file
from stationmaster.ledger.settings import LedgerSettings
from stationmaster.ledger.table import table_lines
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    import datetime as dt

__all__ = ["app", "downgrade", "export", "migrate", "prune", "replay", "roll_up", "show"]

Pipeline = Annotated[str | None, typer.Option(help="Only this pipeline (DAG).")]
Step = Annotated[str | None, typer.Option(help="Only this step (task).")]
Run = Annotated[str | None, typer.Option(help="Only this run, by its id.")]
Verdict = Annotated[
    str | None, typer.Option(help="Only attempts that ended so: out_of_memory …; or running.")
]
Team = Annotated[str | None, typer.Option(help="Only this team's (label stationmaster.io/team).")]
Trace = Annotated[str | None, typer.Option(help="Only this W3C trace id.")]
Since = Annotated[str | None, typer.Option(help="From this business date on, YYYY-MM-DD.")]
Until = Annotated[str | None, typer.Option(help="Up to this business date, YYYY-MM-DD.")]

app = typer.Typer(
    help="Look at the table of all attempts, and bring its schema up.", no_args_is_help=True
)


@app.command()
def migrate() -> None:
    """Make the ledger's tables, or bring them to this release; safe to run at any time."""
    with opened_ledger() as ledger:
        before, after = ledger.migrate()
        if before == after:
            typer.echo(f"The ledger at {ledger.name} is at {after} already.")
        else:
            typer.echo(f"The ledger at {ledger.name} went from {before or 'nothing'} to {after}.")


@app.command()
def downgrade(
    revision: Annotated[
        str, typer.Argument(help="An older revision, or base: no tables, all rows lost.")
    ],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take the ledger's schema back, before an older release is started that asks for it."""
    with opened_ledger() as ledger:
        if not yes:
            question = f"Take {ledger.name} back to {revision}? What that drops is lost."
            typer.confirm(question, abort=True)
        before, after = ledger.downgrade(revision)
        typer.echo(f"The ledger at {ledger.name} went from {before or 'nothing'} to {after}.")


@app.command()
def show(  # noqa: PLR0913 (one keyword for each filter)
    *,
    pipeline: Pipeline = None,
    step: Step = None,
    run: Run = None,
    verdict: Verdict = None,
    team: Team = None,
    trace: Trace = None,
    date: Annotated[str | None, typer.Option(help="Only this business date, YYYY-MM-DD.")] = None,
    since: Since = None,
    until: Until = None,
    last: Annotated[int, typer.Option(min=1, help="How many attempts, the newest.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line each.")] = False,
) -> None:
    """Show the attempts of steps: how each ended, when, what it used, and what to do."""
    choice = Choice(
        pipeline=pipeline,
        step=step,
        run=run,
        verdict=verdict,
        team=team,
        trace=trace,
        since=_day(date or since, "--date" if date else "--since"),
        until=_day(date or until, "--date" if date else "--until"),
    )
    with opened_ledger() as ledger:
        attempts = [] if ledger.is_missing else ledger.last(last, choice)
        if as_json:
            for attempt in attempts:
                typer.echo(attempt.model_dump_json())
            return
        for line in table_lines(attempts):
            typer.echo(line)
        if not attempts:
            typer.echo(f"No attempt of that kind is in the ledger at {ledger.name}.")
        elif len(attempts) == last:
            typer.echo(f"\nThese are the newest {last}; --last {last * 2} shows more.")


@app.command()
def export(
    *,
    out: Annotated[Path, typer.Option(help="The Parquet file to write.")],
    pipeline: Pipeline = None,
    step: Step = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """Write attempts to a Parquet file, one column a field; any number, in little memory."""
    choice = Choice(
        pipeline=pipeline,
        step=step,
        since=_day(since, "--since"),
        until=_day(until, "--until"),
    )
    with opened_ledger() as ledger:
        number = ledger.export(choice, out)
        typer.echo(f"{out} has {number:,} attempts of the ledger at {ledger.name}.")


@app.command()
def roll_up() -> None:
    """Sum up the days that are over, for questions about months; safe at any time."""
    with opened_ledger() as ledger:
        days = ledger.roll_up()
        typer.echo(f"The ledger at {ledger.name} has the sums of {len(days)} days more, or anew.")


@app.command()
def prune(
    *,
    keep_days: Annotated[
        int | None,
        typer.Option(min=1, help="Keep attempts so long; STATIONMASTER_LEDGER_KEEP_DAYS, or 400."),
    ] = None,
) -> None:
    """Remove attempts that are older than the policy keeps; sums of their days stay."""
    days = keep_days or LedgerSettings().keep_days
    with opened_ledger() as ledger:
        number = ledger.prune(days)
        typer.echo(
            f"The ledger at {ledger.name} is rid of {number:,} attempts older than {days} days."
        )


@app.command()
def replay(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Files of recorders; all below STATIONMASTER_HOME by default."),
    ] = None,
) -> None:
    """Write to the ledger what recorders kept in files while its database was away."""
    with opened_ledger() as ledger:
        found = files or files_to_replay(Settings().home)
        for file in found:
            number = replay_file(file, ledger)
            typer.echo(f"{file}: the ledger at {ledger.name} has its {number} records.")
        if not found:
            typer.echo(f"No file below {Settings().home} holds a record.")


def _day(text: str | None, option: str) -> dt.date | None:
    return read_day(text, option, expected="a business date such as 2011-11-21")
