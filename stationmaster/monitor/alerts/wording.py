"""The words of alerts: where, since when, who is affected, how bad."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stationmaster.monitor.checks.finding import Severity, SubjectKind
from stationmaster.monitor.incidents.events import EventKind

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from stationmaster.monitor.checks.finding import Finding

__all__ = ["MARKS", "NOUNS", "headline", "in_short", "lasting", "moment", "names", "where_of"]

MINUTES: Final = 60
HOURS: Final = 3600
DAYS: Final = 86400

NOUNS: Final = {
    SubjectKind.SOURCE: "source",
    SubjectKind.DATASET: "dataset",
    SubjectKind.REPORT: "report",
    SubjectKind.PIPELINE: "pipeline",
    SubjectKind.POOL: "pool",
    SubjectKind.FIGURE: "figure",
    SubjectKind.NODE: "node",
    SubjectKind.POD: "pod",
    SubjectKind.VOLUME: "volume",
    SubjectKind.DATABASE: "database",
    SubjectKind.OBJECT_STORE: "object store",
    SubjectKind.NETWORK: "network to",
    SubjectKind.PART: "part",
    SubjectKind.STEP: "step",
}

MARKS: Final = {
    EventKind.CLOSED: "Over",
    EventKind.MERGED: "Over",
    EventKind.ACKNOWLEDGED: "Taken",
    EventKind.REMINDED: "Still",
    EventKind.ESCALATED: "Nobody took it",
    EventKind.REOPENED: "Again",
    EventKind.AGAIN: "Again",
    EventKind.WORSENED: "Worse",
    EventKind.GREW: "More of it",
    EventKind.CAUSE_CHANGED: "Cause",
}
"""The first word of a message that does not open an incident."""

MOST_NAMES: Final = 5


def where_of(finding: Finding) -> str:
    """Return where something is wrong, as people say it: step extract_web of morning."""
    subject = finding.subject
    if subject.kind is SubjectKind.STEP:
        pipeline, _, step = subject.name.partition("/")
        return f"step {step} of {pipeline}" if step else f"step {pipeline}"
    if subject.kind is SubjectKind.FIGURE:
        dataset, _, figure = subject.name.partition("/")
        return f"figure {figure} of {dataset}" if figure else f"figure {dataset}"
    place = f"{NOUNS[subject.kind]} {subject.name}"
    if finding.pipeline and subject.kind in {SubjectKind.SOURCE, SubjectKind.DATASET}:
        place += f", pipeline {finding.pipeline}"
    return place


def headline(kind: EventKind, severity: Severity, what: str) -> str:
    """Return the first line: how bad, or what became of it, and what is wrong."""
    mark = MARKS.get(kind)
    first = severity.value.capitalize() if mark is None else mark
    if mark is not None and severity is Severity.CRITICAL and kind is not EventKind.CLOSED:
        first = f"{mark}, critical"
    return f"{first}: {what}"


def moment(at: dt.datetime, zone: ZoneInfo) -> str:
    """Return a moment on a team's clock: Tue 22 Nov 06:30 GMT."""
    return f"{at.astimezone(zone):%a %d %b %H:%M %Z}"


def lasting(begun: dt.datetime, until: dt.datetime) -> str:
    """Return a span in words: 40 s, 25 min, 3 h 05 min, 2 days 4 h."""
    seconds = max(0, int((until - begun).total_seconds()))
    if seconds < MINUTES:
        return f"{seconds} s"
    if seconds < HOURS:
        return f"{seconds // MINUTES} min"
    if seconds < DAYS:
        return f"{seconds // HOURS} h {seconds % HOURS // MINUTES:02} min"
    days, hours = seconds // DAYS, seconds % DAYS // HOURS
    return f"{days} day{'s' if days > 1 else ''}" + (f" {hours} h" if hours else "")


def names(found: Sequence[str], most: int = MOST_NAMES) -> str:
    """Return names in a row: the first five, and how many more."""
    more = len(found) - most
    return ", ".join(found[:most]) + (f" and {more} more" if more > 0 else "")


def in_short(text: str, most: int) -> str:
    """Return a text of at most so many characters, cut at a word."""
    if len(text) <= most:
        return text
    return text[: most - 1].rsplit(" ", 1)[0] + "…"
