"""The commands `stationmaster checks …`: which there are, what one means, what they find now."""

from __future__ import annotations

import datetime as dt
import difflib
import json
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from stationmaster.monitor.checks.every import all_checks
from stationmaster.monitor.checks.finding import Layer
from stationmaster.monitor.checks.looking import Outcome, look_at
from stationmaster.monitor.checks.runbooks import runbook_text
from stationmaster.monitor.checks.saying import duration
from stationmaster.monitor.facts.gathering import Gathering
from stationmaster.step.errors import MisconfiguredError
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stationmaster.monitor.checks.check import Check
    from stationmaster.monitor.checks.finding import Finding
    from stationmaster.monitor.checks.looking import CheckLook, Look

__all__ = ["app", "list_checks", "run", "show"]

WIDTH: Final = 96

app = typer.Typer(help="Look at everything once; say what is wrong.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.callback()
def _checks() -> None:
    """Look at everything once; say what is wrong."""


@app.command("list")
def list_checks(*, as_json: AsJson = False) -> None:
    """List all checks by layer: name, severity, owner, what each finds."""
    checks = all_checks(Settings())
    if as_json:
        typer.echo(json.dumps([_document(each) for each in checks], indent=2))
        return
    width = max(len(each.name) for each in checks)
    owner = max(len(each.owner) for each in checks)
    for layer in Layer:
        typer.echo(layer)
        for each in checks:
            if each.layer is layer:
                words = f"{each.name:{width}}  {each.severity:8}  {each.owner:{owner}}"
                typer.echo(f"  {words}  {each.summary}")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Of the check: run-late.")], *, as_json: AsJson = False
) -> None:
    """Show what a check means, and its page: what to look at, how to mend it."""
    check = _named(all_checks(Settings()), name)
    if as_json:
        typer.echo(json.dumps(_document(check), indent=2))
        return
    typer.echo(f"{check.name} ({check.layer}, {check.severity}, told to {check.owner})")
    typer.echo(f"  {check.summary}")
    typer.echo(
        f"  opens {_after(check.hold)}, closes {_after(check.clear_after)}, "
        f"looks {f'every {duration(check.every)}' if check.every else 'each time'}"
    )
    page = runbook_text(check)
    typer.echo(f"\n{page}" if page else f"\nIts page is docs/{check.runbook}.")


@app.command()
def run(
    *,
    check: Annotated[list[str] | None, typer.Option(help="Only this one; may be repeated.")] = None,
    at: Annotated[
        str | None, typer.Option(help="As known at this moment: 2011-11-22T06:40+00:00.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let the checks look once, and print what they find; nothing is stored, nobody is told."""
    settings = Settings()
    checks = all_checks(settings)
    chosen = [_named(checks, name) for name in check] if check else list(checks)
    with Gathering(settings) as gathering:
        look = look_at(gathering.facts(_moment(at)), chosen)
    if as_json:
        typer.echo(json.dumps(_look_document(look), indent=2))
        return
    for line in _lines(look):
        typer.echo(line)


def _after(span: dt.timedelta) -> str:
    return f"after {duration(span)}" if span else "at once"


def _named(checks: Sequence[Check], name: str) -> Check:
    for each in checks:
        if each.name == name:
            return each
    raise MisconfiguredError(
        where=f"check {name!r}",
        expected="the name of a check",
        got=f"an unknown one{_like(checks, name)}",
        hint="`stationmaster checks list` names all.",
    )


def _like(checks: Sequence[Check], name: str) -> str:
    close = difflib.get_close_matches(name, [each.name for each in checks], n=1)
    return f"; {close[0]} is one like it" if close else ""


def _moment(text: str | None) -> dt.datetime:
    if text is None:
        return dt.datetime.now(dt.UTC)
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise MisconfiguredError(
            where="--at",
            expected="a moment such as 2011-11-22T06:40+00:00",
            got=text,
            hint="Write it in ISO 8601; without an offset it is UTC.",
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def _document(check: Check) -> dict[str, Any]:
    return {
        "name": check.name,
        "layer": check.layer,
        "severity": check.severity,
        "owner": check.owner,
        "summary": check.summary,
        "hold_seconds": check.hold.total_seconds(),
        "clear_after_seconds": check.clear_after.total_seconds(),
        "every_seconds": check.every.total_seconds(),
        "runbook": check.runbook,
    }


def _look_document(look: Look) -> dict[str, Any]:
    return {
        "at": look.at.isoformat(),
        "findings": [each.as_document() for each in look.findings],
        "checks": [
            {
                "name": each.check.name,
                "outcome": each.outcome,
                "findings": len(each.findings),
                "why": each.why,
                "seconds": round(each.seconds, 3),
            }
            for each in look.checks
        ],
    }


def _lines(look: Look) -> Iterator[str]:
    worst_first = sorted(look.findings, key=lambda each: (-each.severity.rank, each.since))
    for each in worst_first:
        yield from _finding_lines(each)
    could_not = [each for each in look.checks if each.outcome is Outcome.UNKNOWN]
    for one in could_not:
        yield from _could_not_lines(one)
    looked = [each for each in look.checks if each.outcome in (Outcome.CLEAR, Outcome.FOUND)]
    not_here = sum(each.outcome is Outcome.NOT_HERE for each in look.checks)
    number = len(look.findings)
    nothing = "nothing found" if could_not or not looked else "nothing is wrong"
    found = f"{number} finding{'s' * (number > 1)}" if number else nothing
    have = "has" if not_here == 1 else "have"
    rest = f"; {not_here} {have} nothing to look at here" * bool(not_here)
    unknown = f"; {len(could_not)} could not look" * bool(could_not)
    yield f"{len(looked)} check{'s' * (len(looked) != 1)} looked: {found}{unknown}{rest}."


def _finding_lines(found: Finding) -> Iterator[str]:
    day = f" for {found.business_date}" if found.business_date else ""
    soon = ", foretold" if found.foretold else ""
    yield f"{found.severity}{soon}: {found.check}, {found.subject}{day}, told to {found.owner}"
    yield from _wrapped("", found.what)
    yield from _wrapped("since: ", f"{found.since.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC")
    if found.affected:
        yield from _wrapped("affected: ", ", ".join(found.affected))
    yield from _wrapped("next: ", found.next_action)
    for link in found.links:
        yield f"  {link.title}: {link.url}"
    yield ""


def _could_not_lines(one: CheckLook) -> Iterator[str]:
    yield f"unknown: {one.check.name} could not look"
    yield from _wrapped("", one.why)
    yield ""


def _wrapped(head: str, text: str) -> Iterator[str]:
    lines = wrap(f"{head}{text}", WIDTH, break_long_words=False, break_on_hyphens=False)
    return (f"  {line}" for line in lines)
