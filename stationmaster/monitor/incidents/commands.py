"""The commands `stationmaster incidents …`: what is wrong, and what people do about it."""

from __future__ import annotations

import datetime as dt
import difflib
import fnmatch
import json
import re
import shutil
import sys
import textwrap
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from stationmaster.ledger.records import LARGEST
from stationmaster.monitor.alerts.opening import opened_store
from stationmaster.monitor.checks.every import all_checks
from stationmaster.monitor.incidents import reading
from stationmaster.monitor.incidents.desk import Desk
from stationmaster.monitor.incidents.documents import incident_document, list_document
from stationmaster.monitor.incidents.lines import incident_lines, list_lines, silence_lines
from stationmaster.monitor.incidents.matching import Matcher
from stationmaster.monitor.incidents.numbered import INCIDENTS, unknown
from stationmaster.monitor.incidents.operators import Operator, Role, login_name
from stationmaster.step.errors import MisconfiguredError
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stationmaster.monitor.incidents.store import IncidentStore

__all__ = [
    "acknowledge",
    "app",
    "close",
    "comment",
    "judge",
    "list_incidents",
    "show",
    "silence",
    "unsilence",
]

UNITS = {"m": 60, "h": 3600, "d": 86400}
LONGEST: Final = 100_000
LEAST_WIDTH: Final = 40
"""Where a terminal is narrower, lines are left to it."""

app = typer.Typer(help="See what is wrong, and say who looks after it.", no_args_is_help=True)

Number = Annotated[int, typer.Argument(min=1, max=LARGEST, help="Number of the incident.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Who = Annotated[str | None, typer.Option("--as", help="Your name; by default your login's.")]


@app.command("list")
def list_incidents(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    owner: Annotated[str | None, typer.Option(help="Only this team's.")] = None,
    days: Annotated[
        int, typer.Option(min=1, max=36500, help="With --all: opened in so many days.")
    ] = 7,
    silences: Annotated[bool, typer.Option("--silences", help="Silences instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """List incidents: the worst first, what to do about each."""
    now = _now()
    zone = Settings().zone
    with opened_store() as store:
        if silences:
            found = reading.silences(store.engine, now, over=everything)
            if as_json:
                typer.echo(json.dumps([each.model_dump(mode="json") for each in found], indent=2))
            else:
                _echo(silence_lines(found, zone, now))
            return
        since = now - dt.timedelta(days=days) if everything else None
        known = reading.incidents(store.engine, closed=everything, since=since, owner=owner)
        lease = reading.lease(store.engine)
    if as_json:
        typer.echo(json.dumps(list_document(known, lease), indent=2))
    else:
        _echo(list_lines(known, lease, zone, now, owner=owner))


@app.command()
def show(number: Number, *, as_json: AsJson = False) -> None:
    """Show one incident: what belongs to it, what happened, who was told."""
    with opened_store() as store:
        incident = reading.incident_of(store.engine, number)
        if incident is None:
            raise unknown(number, "incident", "of an incident", INCIDENTS)
        findings = reading.findings_of(store.engine, number)
        events = reading.events_of(store.engine, number)
        messages = reading.messages_of(store.engine, number)
    if as_json:
        typer.echo(json.dumps(incident_document(incident, findings, events, messages), indent=2))
    else:
        zone = Settings().zone
        _echo(incident_lines(incident, findings, events, messages, zone, _now()))


@app.command()
def acknowledge(
    number: Number,
    *,
    note: Annotated[str, typer.Option(help="What others should know.")] = "",
    who: Who = None,
) -> None:
    """Say that you look after an incident: nobody else is called for it."""
    with _desk(who) as (desk, name):
        desk.acknowledge(number, note=note)
    typer.echo(f"Incident {number}: {name} looks after it.")


@app.command()
def comment(
    number: Number,
    text: Annotated[str, typer.Argument(help="What the next reader should know.")],
    *,
    who: Who = None,
) -> None:
    """Write a note to an incident."""
    with _desk(who) as (desk, _):
        desk.comment(number, text)
    typer.echo(f"Incident {number} has your note.")


@app.command()
def judge(
    number: Number,
    judgement: Annotated[
        Literal["real", "false-alarm"], typer.Argument(help="real, or false-alarm.")
    ],
    *,
    note: Annotated[str, typer.Option(help="Why.")] = "",
    who: Who = None,
) -> None:
    """Say whether an incident was real; the rate of false alarms is measured by that."""
    with _desk(who) as (desk, _):
        desk.judge(number, judgement, note=note)
    typer.echo(f"Incident {number} is judged: {judgement}.")


@app.command()
def close(
    number: Number, *, why: Annotated[str, typer.Option(help="Why.")] = "", who: Who = None
) -> None:
    """Close an incident by hand; it comes back only if it was gone in between."""
    with _desk(who) as (desk, _):
        desk.close(number, why=why)
    typer.echo(f"Incident {number} is closed.")


@app.command()
def silence(  # noqa: PLR0913 (one option for each field)
    number: Annotated[
        int | None, typer.Argument(min=1, max=LARGEST, help="Number of one incident.")
    ] = None,
    *,
    lasts: Annotated[str, typer.Option("--for", help="How long: 30m, 4h, 2d; at most 30d.")],
    why: Annotated[str, typer.Option(help="Why; whoever wonders reads it.")],
    check: Annotated[str | None, typer.Option(help="Name of the check; * and ?.")] = None,
    subject: Annotated[str | None, typer.Option(help="kind:name, dataset:orders_*.")] = None,
    pipeline: Annotated[str | None, typer.Option(help="Name of the pipeline; * and ?.")] = None,
    owner: Annotated[str | None, typer.Option(help="The team.")] = None,
    severity: Annotated[str | None, typer.Option(help="Up to this: warning.")] = None,
    who: Who = None,
) -> None:
    """Tell nobody of some incidents for a time; they are still shown."""
    matcher = Matcher.of(
        incident=number,
        check=check,
        subject=subject,
        pipeline=pipeline,
        owner=owner,
        severity=severity,
    )
    ends_at = _now() + _span(lasts)
    with opened_store() as store:
        _must_be_known(check, store)
        made = _desk_of(store, who).silence(matcher, ends_at=ends_at, why=why)
        about = [each.id for each in reading.incidents(store.engine) if each.silence_id == made]
    until = f"{ends_at.astimezone(Settings().zone):%a %d %b %H:%M %Z}"
    typer.echo(f"Silence {made}: nobody is told of {matcher.in_words()} until {until}.")
    named = ", ".join(f"#{each}" for each in sorted(about))
    typer.echo(f"Open, and silenced by it: {named}." if about else "Nothing that is open fits it.")


@app.command()
def unsilence(
    number: Annotated[int, typer.Argument(min=1, max=LARGEST, help="Number of the silence.")],
    *,
    who: Who = None,
) -> None:
    """End a silence now."""
    with _desk(who) as (desk, _):
        desk.unsilence(number)
    typer.echo(f"Silence {number} is over.")


@contextmanager
def _desk(who: str | None) -> Iterator[tuple[Desk, str]]:
    """Open a desk: who can reach the ledger's database may change it, so he is an operator."""
    with opened_store() as store:
        yield _desk_of(store, who), who or login_name()


def _desk_of(store: IncidentStore, who: str | None) -> Desk:
    name = who or login_name()
    return Desk(store, Operator(name=name, role=Role.OPERATOR, via="cli"))


def _must_be_known(check: str | None, store: IncidentStore) -> None:
    """Refuse a check that nobody has: a silence about it would silence nothing."""
    if check is None:
        return
    known = [each.name for each in all_checks(Settings())]
    known += [each.check_name for each in reading.check_states(store.engine)]
    if not fnmatch.filter(known, check):
        close = difflib.get_close_matches(check, known, n=3) or ["volume-*"]
        raise MisconfiguredError(
            where="--check",
            expected=f"the name of a check, such as {', '.join(close)}",
            got=check,
            hint="`stationmaster checks list` shows them.",
        )


def _span(text: str) -> dt.timedelta:
    found = re.fullmatch(r"(\d+)([mhd])", text.strip())
    if found is None or not 0 < int(found[1]) <= LONGEST:
        raise MisconfiguredError(
            where="--for",
            expected="a time such as 30m, 4h or 2d",
            got=text,
            hint="Write it as a number and m, h or d.",
        )
    return dt.timedelta(seconds=int(found[1]) * UNITS[found[2]])


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _echo(lines: list[str]) -> None:
    """Print lines; on a terminal that is narrower they go on under their own beginning."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    for line in lines:
        for part in _folded(line, width):
            typer.echo(part)


def _folded(line: str, width: int) -> list[str]:
    if not LEAST_WIDTH <= width < len(line):
        return [line]
    under = " " * min(len(line) - len(line.lstrip()) + 2, LEAST_WIDTH // 2)
    return textwrap.wrap(line, width, subsequent_indent=under, drop_whitespace=True) or [line]
