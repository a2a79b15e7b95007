"""What alerting itself stands on: channels that take what they are given, checks that can look."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.alerts.wording import lasting
from stationmaster.monitor.checks.check import check
from stationmaster.monitor.checks.finding import Finding, Layer, Severity, Subject, SubjectKind
from stationmaster.monitor.checks.looking import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stationmaster.monitor.facts.alerting import AlertingFacts
    from stationmaster.monitor.facts.facts import Facts
    from stationmaster.monitor.monitoringreading import KeptMonitoring

__all__ = ["ALERTING_CHECKS", "channel_lost", "check_blind", "expectations_unusable"]

OWNER: Final = "platform"

BLIND: Final = dt.timedelta(minutes=30)
"""So long a check may be without an answer: what it asks is found to be away much sooner."""


@check(
    "channel-lost",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.WARNING,
    owner=OWNER,
    clear_after=dt.timedelta(minutes=5),
)
def channel_lost(facts: Facts) -> Iterator[Finding]:
    """A channel takes no alerts: its readers know nothing of what is wrong."""
    alerting: AlertingFacts = facts.part("alerting")
    for lost in alerting.lost_channels():
        waits = f"{lost.messages} message{'s' if lost.messages > 1 else ''}"
        given_up = f", {lost.given_up} of them given up" if lost.given_up else ""
        yield channel_lost.finding(
            Subject(SubjectKind.PART, f"watcher/channel {lost.channel}"),
            severity=Severity(lost.severity),
            what=f"The channel {lost.channel} takes no alerts: {waits} since "
            f"{lasting(lost.since, facts.now)}{given_up}: {lost.error.rstrip('.')}.",
            next_action=f"Try it: `stationmaster alerts test {lost.channel}`; then correct its "
            "secret, or the service behind it. What waits goes by itself.",
            since=lost.since,
            evidence={"messages": lost.messages, "given_up": lost.given_up},
        )


@check(
    "check-blind",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.WARNING,
    owner=OWNER,
    hold=BLIND,
    clear_after=dt.timedelta(minutes=5),
)
def check_blind(facts: Facts) -> Iterator[Finding]:
    """A check has not been able to look for half an hour: what it would find, nobody knows."""
    alerting: AlertingFacts = facts.part("alerting")
    blind = [each for each in alerting.check_states() if each.outcome == Outcome.UNKNOWN]
    blind = [
        each for each in blind if each.answered_at is None or facts.now - each.answered_at >= BLIND
    ]
    if not blind:
        return
    first = min(blind, key=lambda each: each.answered_at or each.looked_at)
    names = ", ".join(sorted(each.check_name for each in blind))
    checks = "1 check" if len(blind) == 1 else f"{len(blind)} checks"
    yield check_blind.finding(
        Subject(SubjectKind.PART, "watcher/checks"),
        what=f"{checks} cannot look: {names}. {first.check_name}: {first.why}.",
        next_action=f"Run one by hand and read why: stationmaster checks run --check "
        f"{first.check_name}.",
        since=first.answered_at or first.looked_at,
        evidence={"checks": len(blind)},
    )


@check(
    "expectations-unusable",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.WARNING,
    owner=OWNER,
)
def expectations_unusable(facts: Facts) -> Iterator[Finding]:
    """The file of expectations was changed and cannot be used: what it should say counts not."""
    kept: KeptMonitoring = facts.part("expectations")
    found = kept.unusable
    if found is None:
        return
    error = found.error
    meanwhile = (
        "What it said before counts meanwhile."
        if found.kept
        else "Nothing is due, and nobody is routed to, until it can be read."
    )
    yield expectations_unusable.finding(
        Subject(SubjectKind.PART, "watcher/expectations"),
        what=f"The file of expectations cannot be used: {error.where}: expected {error.expected}, "
        f"got {error.got}. {meanwhile}",
        next_action=f"{error.hint} The watcher reads it again by itself.",
        since=found.since,
        expected=error.expected,
        got=error.got,
    )


ALERTING_CHECKS: Final = (channel_lost, check_blind, expectations_unusable)
