"""The commands `stationmaster ledger migrate`, `downgrade` and `show`."""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from pathlib import Path  # noqa: TC003 (typer reads the annotations)
from typing import TYPE_CHECKING, Annotated

import typer
from sqlalchemy.exc import DBAPIError

from stationmaster.ledger.replaying import files_to_replay
from stationmaster.ledger.replaying import replay as replay_file
from stationmaster.ledger.store import Ledger
from stationmaster.ledger.table import table_lines
from stationmaster.step.errors import MisconfiguredError, TemporaryError
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["app", "downgrade", "migrate", "replay", "show"]

app = typer.Typer(
    help="Look at the table of all attempts, and bring its schema up.", no_args_is_help=True
)


@app.command()
def migrate() -> None:
    """Make the ledger's tables, or bring them to this release; safe to run at any time."""
    with _ledger() as ledger:
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
    with _ledger() as ledger:
        if not yes:
            question = f"Take {ledger.name} back to {revision}? What that drops is lost."
            typer.confirm(question, abort=True)
        before, after = ledger.downgrade(revision)
        typer.echo(f"The ledger at {ledger.name} went from {before or 'nothing'} to {after}.")


@app.command()
def show(
    *,
    pipeline: Annotated[str | None, typer.Option(help="Only this pipeline (DAG).")] = None,
    step: Annotated[str | None, typer.Option(help="Only this step (task).")] = None,
    date: Annotated[str | None, typer.Option(help="Only this business date, YYYY-MM-DD.")] = None,
    last: Annotated[int, typer.Option(min=1, help="How many attempts, the newest.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line each.")] = False,
) -> None:
    """Show the attempts of steps: how each ended, when, what it used, and what to do."""
    day = None if date is None else _day(date)
    with _ledger() as ledger:
        if ledger.is_missing:
            attempts = []
        else:
            attempts = ledger.last(last, pipeline=pipeline, step=step, business_date=day)
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
def replay(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Files of recorders; all below STATIONMASTER_HOME by default."),
    ] = None,
) -> None:
    """Write to the ledger what recorders kept in files while its database was away."""
    with _ledger() as ledger:
        found = files or files_to_replay(Settings().home)
        for file in found:
            number = replay_file(file, ledger)
            typer.echo(f"{file}: the ledger at {ledger.name} has its {number} records.")
        if not found:
            typer.echo(f"No file below {Settings().home} holds a record.")


@contextmanager
def _ledger() -> Iterator[Ledger]:
    ledger = Ledger.open(Settings().ledger_location)
    try:
        yield ledger
    except DBAPIError as error:
        raise TemporaryError(
            where=f"ledger at {ledger.name}",
            expected="a database that lets us in and answers",
            got=" ".join(str(error.orig).split()),
            hint="Start the database, or correct STATIONMASTER_LEDGER_URI and its user's rights.",
        ) from error
    finally:
        ledger.close()


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise MisconfiguredError(
            where="--date",
            expected="a business date such as 2011-11-21",
            got=text,
            hint="Write it as YYYY-MM-DD.",
        ) from error
