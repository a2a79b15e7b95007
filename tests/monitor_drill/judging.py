"""What a fault must be found as, and what is wrong about how it was."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence

    from stationmaster.monitor.checks.finding import Finding
    from stationmaster.monitor.incidents.standing import StandingFinding, StandingIncident

__all__ = ["Expected", "Watched", "line_of"]

UNFINISHED: Final = re.compile(r"[{}<>]|\bNone\b|\bnan\b|  |\.\.(?!\.)|\?\?")
"""What stands in a text where a value should: a placeholder, nothing, two spaces."""

SENTENCE: Final = re.compile(r"([A-Z0-9`]|[a-z]+[a-z0-9]*[_/-]).*[.…?]", re.DOTALL)
"""It begins with a capital, or with the name of a step or dataset; and it ends."""

TO_DO: Final = re.compile(
    r"`[^`]+`|stationmaster |\b(ask|clear|start|restart|give|map|tell|make room)\b", re.IGNORECASE
)


class Watched(Protocol):
    """Have incidents, and a file that messages went to."""

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Return what reached the file."""

    def incidents(self) -> list[StandingIncident]:
        """Return all incidents there were, oldest first."""

    def findings(self, number: int) -> list[StandingFinding]:
        """Return what belongs to an incident."""

    def events(self, number: int) -> list[str]:
        """Return what happened to an incident."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """Hold what must be found.

    Args:
        check: Which check opens the incident; several where either is right.
        subject: Of the incident; * and ? as in files.
        layer: Of the incident.
        within: So soon after it could be known.
        says: Each must be in what or next action.
        does: Each must be in the next action.
        beside: Checks or subjects of what is off as well, and is not this fault's.
    """

    check: tuple[str, ...]
    subject: str
    layer: str
    within: dt.timedelta
    says: tuple[str, ...] = ()
    does: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


def line_of(
    watched: Watched,
    expected: Expected,
    told: Sequence[StandingIncident],
    *,
    begins: dt.datetime,
    mended: dt.datetime,
) -> dict[str, Any]:
    """Return one line of the record, without the fault's name.

    Args:
        watched: Who looked.
        expected: What must be found.
        told: The incidents just before the fault was mended: when a cause is mended its effects go
            on for a while, and what counts is what was said before.
        begins: From when it could be known.
        mended: When it was mended.
    """
    found = watched.incidents()
    wrong: list[str] = []
    others = [each for each in found if not _is_beside(each, expected)]
    if len(others) != 1:
        causes = "; ".join(f"{each.cause}: {each.title}" for each in others)
        wrong.append(f"expected one incident, got {len(others)}: {causes}")
    line: dict[str, Any] = {"incidents": len(found)}
    if others:
        number = others[0].id
        first = next((each for each in told if each.id == number), others[0])
        wrong += _differences(expected, begins, first)
        wrong += _closing(mended, others[0])
        line |= {
            "layer": first.finding.layer.value,
            "check": first.finding.check,
            "subject": str(first.finding.subject),
            "noticed_s": round((first.opened_at - begins).total_seconds()),
            "findings": len(watched.findings(number)),
            "events": watched.events(number),
            "messages": len(watched.messages),
            "what": first.title,
            "next_action": first.finding.next_action,
        }
    return line | {"wrong": wrong}


def _is_beside(each: StandingIncident, expected: Expected) -> bool:
    return bool({each.finding.check, str(each.finding.subject)} & set(expected.beside))


def _unclear(finding: Finding) -> Iterator[str]:
    """Yield what the person who is woken up by it could not use."""
    told = f"{finding.what} {finding.next_action}"
    for found in UNFINISHED.findall(told):
        yield f"expected whole sentences, got {found!r} in {told!r}"
    if not TO_DO.search(finding.next_action):
        yield f"expected a command or whom to ask, got {finding.next_action!r}"
    for text in (finding.what, finding.next_action):
        if not SENTENCE.fullmatch(text):
            yield f"expected a sentence, got {text!r}"


def _differences(
    expected: Expected, begins: dt.datetime, incident: StandingIncident
) -> Iterator[str]:
    finding = incident.finding
    if finding.check not in expected.check:
        yield f"expected check {' or '.join(expected.check)}, got {finding.check}"
    if not fnmatchcase(str(finding.subject), expected.subject):
        yield f"expected subject {expected.subject}, got {finding.subject}"
    if not fnmatchcase(finding.layer.value, expected.layer):
        yield f"expected layer {expected.layer}, got {finding.layer.value}"
    late = incident.opened_at - begins
    if late > expected.within:
        yield f"expected it within {expected.within}, got {late}"
    yield from _unclear(finding)
    for words in expected.says:
        if words not in f"{finding.what} {finding.next_action}":
            yield f"expected {words!r} in it, got {finding.what!r}"
    for words in expected.does:
        if words not in finding.next_action:
            yield f"expected next action with {words!r}, got {finding.next_action!r}"


def _closing(mended: dt.datetime, incident: StandingIncident) -> Iterator[str]:
    if incident.closed_at is None:
        yield "expected it to be closed by itself, got an open one"
    elif incident.closed_at < mended:
        yield f"expected it open until it was mended, got closed at {incident.closed_at}"
