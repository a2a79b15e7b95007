"""What of a message is shown, in the same order by mail, chat and text; nothing else is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.alerts.wording import (
    headline,
    in_short,
    lasting,
    moment,
    names,
)
from stationmaster.monitor.checks.finding import Severity
from stationmaster.monitor.incidents.events import EventKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from zoneinfo import ZoneInfo

    from stationmaster.monitor.alerts.message import Message

__all__ = ["AlertView", "Button", "Row", "StormView", "storm_view", "view_of"]

LONGEST_LINE: Final = 280
LONGEST_TITLE: Final = 140
MOST_IN_STORM: Final = 12
MOST_LINKS: Final = 3


@dataclass(frozen=True)
class Row:
    """Hold one labelled line."""

    label: str
    text: str


@dataclass(frozen=True)
class Button:
    """Hold one link."""

    title: str
    url: str
    main: bool = False


@dataclass(frozen=True)
class AlertView:
    """Hold what is shown of one incident; `tone` is critical, warning or over."""

    tone: str
    title: str
    subject: str
    rows: tuple[Row, ...]
    buttons: tuple[Button, ...]
    footer: str


@dataclass(frozen=True)
class StormView:
    """Hold what is shown of many incidents at once; `subject` names the worst of them too."""

    tone: str
    title: str
    subject: str
    alerts: tuple[AlertView, ...]
    more: int


def view_of(message: Message, zone: ZoneInfo) -> AlertView:
    """Return what is shown of a message, on the clock of a team."""
    title = headline(message.kind, message.severity, message.what)
    number = f" ({message.number})" if message.number else ""
    return AlertView(
        tone=_tone(message),
        title=in_short(title, LONGEST_LINE),
        subject=in_short(title, LONGEST_TITLE) + number,
        rows=tuple(_rows(message, zone)),
        buttons=tuple(_buttons(message)),
        footer=_footer(message),
    )


def storm_view(messages: Sequence[Message], zone: ZoneInfo) -> StormView:
    """Return what is shown of many messages: the worst first, the others counted."""
    worst = sorted(messages, key=lambda each: (each.ends, -each.severity.rank, each.since))
    views = tuple(view_of(each, zone) for each in worst)
    title = _storm_title(messages)
    return StormView(
        tone=views[0].tone,
        title=title,
        subject=in_short(f"{title}: {worst[0].what}", LONGEST_TITLE),
        alerts=views[:MOST_IN_STORM],
        more=max(0, len(views) - MOST_IN_STORM),
    )


def _storm_title(messages: Sequence[Message]) -> str:
    there = [each for each in messages if not each.ends]
    over = len(messages) - len(there)
    critical = sum(each.severity is Severity.CRITICAL for each in there)
    parts = []
    if there:
        known = f", {critical} of them critical" if critical else ""
        parts.append(f"{len(there)} incidents{known}")
    if over:
        parts.append(f"{over} over")
    return "; ".join(parts)


def _tone(message: Message) -> str:
    return "over" if message.ends else message.severity.value


def _rows(message: Message, zone: ZoneInfo) -> Iterator[Row]:
    grew = message.kind is EventKind.GREW
    if message.note and not message.ends and (grew or message.what not in message.note):
        yield Row("News", in_short(message.note, LONGEST_LINE))
    yield Row("Where", message.where)
    if message.ends:
        yield Row("Lasted", _lasted(message, zone))
    else:
        begun = "Expected from" if message.foretold else "Since"
        yield Row(begun, _since(message, zone))
    if message.affected:
        yield Row("Affected", names(message.affected))
    if message.more and not message.ends:
        yield Row("With it", f"{message.more} more that {_come(message.more)} of the same cause")
    yield Row("Next", "Nothing to do." if message.ends else message.next_action)


def _come(number: int) -> str:
    return "comes" if number == 1 else "come"


def _since(message: Message, zone: ZoneInfo) -> str:
    text = f"{moment(message.since, zone)} ({lasting(message.since, message.at)})"
    if message.foretold:
        text = f"It has not happened yet; seen first {moment(message.since, zone)}"
    if message.business_date is not None:
        text += f", data of {message.business_date:%a %d %b}"
    return text + (f", {message.times} times now" if message.times > 1 else "")


def _lasted(message: Message, zone: ZoneInfo) -> str:
    span = lasting(message.since, message.at)
    return f"{span}, from {moment(message.since, zone)} to {moment(message.at, zone)}"


def _buttons(message: Message) -> Iterable[Button]:
    if message.url:
        yield Button(f"Incident {message.number}", message.url, main=True)
    if message.acknowledge_url and message.kind.value != "acknowledged":
        yield Button("Acknowledge", message.acknowledge_url)
    for link in message.links[:MOST_LINKS]:
        yield Button(link.title, link.url)
    if message.runbook and not message.ends:
        yield Button("Runbook", message.runbook)


def _footer(message: Message) -> str:
    number = f"Incident {message.number}" if message.number else "Incident without a number yet"
    return f"{number}, check {message.check}, {message.owner}"
