"""The commands `stationmaster alerts …`: channels, the outbox, how good the alerts are."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from stationmaster.ledger.records import LARGEST
from stationmaster.monitor.alerts.channels import Batch, ChannelError
from stationmaster.monitor.alerts.measures import alert_stats, read_told
from stationmaster.monitor.alerts.message import Message
from stationmaster.monitor.alerts.opening import alert_plan, opened_store, ready_channels
from stationmaster.monitor.alerts.rendering import rendered
from stationmaster.monitor.alerts.statslines import stats_lines
from stationmaster.monitor.alerts.wording import lasting, moment
from stationmaster.monitor.checks.finding import Layer, Severity
from stationmaster.monitor.incidents import reading
from stationmaster.monitor.incidents.desk import Desk
from stationmaster.monitor.incidents.events import Event, EventKind
from stationmaster.monitor.incidents.numbered import INCIDENTS, unknown
from stationmaster.monitor.incidents.operators import Operator, Role, login_name
from stationmaster.monitor.incidents.planning import Happening
from stationmaster.step.errors import MisconfiguredError, TemporaryError
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from stationmaster.monitor.incidents.reading import MessageRow

__all__ = ["app", "outbox", "preview", "retry", "stats", "try_channel"]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

app = typer.Typer(
    help="Try channels, see what waits, and how good the alerts are.", no_args_is_help=True
)


@app.command("test")
def try_channel(
    channel: Annotated[str, typer.Argument(help="Name of the channel in the file of routes.")],
    *,
    severity: Annotated[Severity, typer.Option(help="How the try looks.")] = Severity.WARNING,
) -> None:
    """Send a try through a channel, that says it is one."""
    settings = Settings()
    plan = alert_plan(settings)
    channels = ready_channels(plan.alerting, settings)
    if channel not in channels:
        raise MisconfiguredError(
            where=f"channel {channel}",
            expected=f"one of {', '.join(sorted(channels))}",
            got="an unknown name",
            hint="Write it into `alerts: channels:` of the file of expectations.",
        )
    with opened_store(settings) as store:
        name = login_name()
        Desk(store, Operator(name=name, role=Role.OPERATOR, via="cli")).tested(channel)
    now = _now()
    batch = Batch(messages=(_try(now, severity, name),), key=uuid.uuid4().hex, zone=plan.zone)
    try:
        channels[channel].deliver(batch)
    except ChannelError as error:
        raise TemporaryError(
            where=f"channel {channel}",
            expected="a service that takes the message",
            got=str(error),
            hint="Correct its secret (a file below STATIONMASTER_SECRETS), or the service.",
        ) from error
    typer.echo(f"The channel {channel} took a try.")


@app.command()
def outbox(
    *,
    state: Annotated[
        Literal["waiting", "sent", "given-up", "not-needed", "all"],
        typer.Option(help="Only messages of this state."),
    ] = "waiting",
    last: Annotated[int, typer.Option(min=1, max=100_000, help="How many, the newest.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List messages: what waits, what went, what no try has delivered."""
    wanted = None if state == "all" else state
    with opened_store() as store:
        found = reading.messages(store.engine, state=wanted, most=last)
        given_up = reading.messages(store.engine, state="given-up", most=last)
    if as_json:
        typer.echo(json.dumps([each.model_dump(mode="json") for each in found], indent=2))
        return
    zone, now = Settings().zone, _now()
    for each in found:
        typer.echo(_message_line(each, zone, now))
    if not found:
        typer.echo(f"No message is {state}." if wanted else "No message was ever made.")
    if given_up and state == "waiting":
        typer.echo(f"{len(given_up)} were given up: stationmaster alerts outbox --state given-up")


@app.command()
def retry(
    number: Annotated[
        int, typer.Argument(min=1, max=LARGEST, help="Number of a message that was given up.")
    ],
) -> None:
    """Send a message again that was given up."""
    with opened_store() as store:
        Desk(store, Operator(name=login_name(), role=Role.OPERATOR, via="cli")).retry(number)
    typer.echo(f"Message {number} waits again; the watcher sends it.")


@app.command()
def stats(
    *,
    days: Annotated[int, typer.Option(min=1, max=36500, help="Of how many days.")] = 30,
    as_json: AsJson = False,
) -> None:
    """Measure the alerts: time to notice, false alarms, messages a day and team."""
    until = _now()
    since = until - dt.timedelta(days=days)
    with opened_store() as store:
        found = alert_stats(
            read_told(store.engine, since=since, until=until), since=since, until=until
        )
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
        return
    for line in stats_lines(found):
        typer.echo(line)


@app.command()
def preview(
    incident: Annotated[int, typer.Argument(min=1, max=LARGEST, help="Number of the incident.")],
    *,
    form: Annotated[
        Literal["mail", "chat", "text", "json"], typer.Option("--format", help="As which channel.")
    ] = "text",
) -> None:
    """Print the alert of an incident as a channel would get it."""
    settings = Settings()
    plan = alert_plan(settings)
    with opened_store(settings) as store:
        found = reading.incident_of(store.engine, incident)
        findings = reading.findings_of(store.engine, incident)
    if found is None:
        raise unknown(incident, "incident", "of an incident", INCIDENTS)
    kind = EventKind.OPENED if found.is_open else EventKind.CLOSED
    at = found.closed_at or _now()
    event = Event(incident_id=incident, at=at, kind=kind, sentence=found.title)
    happening = Happening(
        event=event,
        incident=found,
        findings=tuple(sorted(findings, key=lambda each: each.key != found.cause)),
        channels=frozenset(),
        silenced=False,
    )
    message = Message.of(happening, public_url=plan.public_url)
    if form == "json":
        typer.echo(message.model_dump_json(indent=2))
        return
    kinds: dict[str, Literal["html", "markdown", "text"]] = {"mail": "html", "chat": "markdown"}
    text = rendered([message], kinds.get(form, "text"), plan.zone_of(message.owner))
    typer.echo(text.body if form == "mail" else f"{text.title}\n{text.body}", nl=False)


def _try(now: dt.datetime, severity: Severity, name: str) -> Message:
    return Message(
        kind=EventKind.OPENED,
        at=now,
        incident_id=0,
        uid=f"try-{uuid.uuid4().hex}",
        severity=severity,
        layer=Layer.INFRASTRUCTURE,
        owner="platform",
        check="try",
        cause="try",
        what=f"This is a try of this channel, sent by {name}; nothing is wrong.",
        where="nowhere",
        since=now,
        opened_at=now,
        affected=("nobody",),
        next_action="Nothing to do: the channel works.",
    )


def _message_line(each: MessageRow, zone: ZoneInfo, now: dt.datetime) -> str:
    what = str(each.document.get("what", ""))[:60]
    if each.sent_at is not None:
        how = f"sent {moment(each.sent_at, zone)}"
    elif each.state == "waiting" and each.due_at > now:
        how = f"due in {lasting(now, each.due_at)}"
    else:
        how = each.state
    error = f"\n       {each.attempts} tries: {each.last_error}" if each.last_error else ""
    return f"{each.id:>5}  #{each.incident_id:<4} {each.channel:<16} {how:<24} {what}{error}"


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
