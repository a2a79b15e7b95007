"""Incidents as lines of text, for people at a terminal."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.alerts.wording import lasting, moment, names, where_of
from stationmaster.monitor.incidents.matching import Matcher

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from zoneinfo import ZoneInfo

    from stationmaster.monitor.incidents.leasing import Lease
    from stationmaster.monitor.incidents.reading import EventRow, MessageRow, SilenceRow
    from stationmaster.monitor.incidents.standing import StandingFinding, StandingIncident

__all__ = ["incident_lines", "list_lines", "silence_lines"]

SILENT: Final = dt.timedelta(minutes=10)


def list_lines(
    incidents: Sequence[StandingIncident],
    lease: Lease | None,
    zone: ZoneInfo,
    now: dt.datetime,
    *,
    owner: str | None = None,
) -> list[str]:
    """Return incidents: the worst first; and whether anybody looks at all.

    Args:
        incidents: Those to list.
        lease: Of the watcher.
        zone: For moments.
        now: The moment.
        owner: Whose alone they are; None: all.
    """
    worst = sorted(incidents, key=lambda each: (not each.is_open, -each.severity.rank, each.since))
    lines = [line for each in worst for line in _short(each, zone, now)]
    if not lines:
        whose = "Nothing" if owner is None else f"Nothing that is told to {owner}"
        lines.append(f"{whose} is wrong, as far as anybody looked.")
    return [*lines, _looked(lease, zone, now)]


def incident_lines(  # noqa: PLR0913, PLR0917 (an incident and all that is known of it)
    incident: StandingIncident,
    findings: Sequence[StandingFinding],
    events: Sequence[EventRow],
    messages: Sequence[MessageRow],
    zone: ZoneInfo,
    now: dt.datetime,
) -> list[str]:
    """Return one incident: what belongs to it, what happened, who was told."""
    lines = [*_short(incident, zone, now), *_about(incident)]
    if len(findings) > 1:
        lines += ["", "  What belongs to it:"]
        lines += [f"    {line}" for each in findings for line in _finding(each, incident)]
    lines += ["", "  What happened:"]
    lines += [f"    {line}" for each in events for line in _event(each, zone)]
    lines += ["", "  Who was told:"] if messages else ["", "  Nobody was told."]
    lines += [f"    {_message(each, zone)}" for each in messages]
    return lines


def silence_lines(silences: Sequence[SilenceRow], zone: ZoneInfo, now: dt.datetime) -> list[str]:
    """Return silences: about what, until when, by whom and why."""
    if not silences:
        return ["No silence holds."]
    return [
        f"{each.id:>5}  {Matcher.model_validate(each.matcher).in_words()}, "
        f"{'until' if each.ends_at > now else 'was over'} {moment(each.ends_at, zone)}, "
        f"by {each.made_by}{': ' if each.why else ''}{each.why}"
        for each in silences
    ]


def _short(incident: StandingIncident, zone: ZoneInfo, now: dt.datetime) -> Iterator[str]:
    end = incident.closed_at or now
    span = lasting(incident.since, end)
    yield f"#{incident.id:<4} {incident.severity.value:<8} {_state(incident):<14} {incident.title}"
    day = incident.finding.business_date
    data = "" if day is None else f", data of {day:%a %d %b}"
    yield (
        f"      {where_of(incident.finding)}, since {moment(incident.since, zone)} ({span})"
        f"{data}, {incident.owner}"
    )
    if incident.is_open:
        yield f"      next: {incident.finding.next_action}"


def _state(incident: StandingIncident) -> str:
    if incident.is_open and incident.silence_id is not None:
        return "silenced"
    if incident.is_open and incident.gone_at is not None:
        return "going"
    return incident.state.value


def _about(incident: StandingIncident) -> Iterator[str]:
    finding = incident.finding
    if finding.affected:
        yield f"      affected: {names(finding.affected, 12)}"
    if finding.expected or finding.got:
        yield f"      expected: {finding.expected}"
        yield f"      got:      {finding.got}"
    if incident.acknowledged_by and incident.acknowledged_at is not None:
        yield f"      {incident.acknowledged_by} looks after it"
    if incident.judged:
        yield f"      judged: {incident.judged}, by {incident.judged_by}"
    for link in finding.links:
        yield f"      {link.title}: {link.url}"
    yield f"      runbook: stationmaster checks show {finding.check}"


def _finding(each: StandingFinding, incident: StandingIncident) -> Iterator[str]:
    over = "gone   " if each.gone_at is not None else "there  "
    cause = " (the cause)" if each.key == incident.cause else ""
    yield f"{over} {each.finding.check:<24} {each.finding.what}{cause}"


def _event(each: EventRow, zone: ZoneInfo) -> Iterator[str]:
    who = f", {each.actor}" if each.actor else ""
    yield f"{moment(each.at, zone)}  {each.kind}{who}: {each.sentence}"


def _message(each: MessageRow, zone: ZoneInfo) -> str:
    kind = str(each.document.get("kind", ""))
    if each.sent_at is not None:
        return f"{moment(each.sent_at, zone)}  {each.channel}: {kind}"
    waits = f"{each.state}, due {moment(each.due_at, zone)}"
    return f"{waits}  {each.channel}: {kind}" + (f" ({each.last_error})" if each.last_error else "")


def _looked(lease: Lease | None, zone: ZoneInfo, now: dt.datetime) -> str:
    if lease is None or lease.looked_at is None:
        return "No watcher has ever looked here: start `stationmaster watch`."
    ago = lasting(lease.looked_at, now)
    text = f"Looked last at {moment(lease.looked_at, zone)}, {ago} ago."
    if now - lease.looked_at > SILENT:
        text += " The watcher is silent: what is wrong since then, nobody knows."
    return text
