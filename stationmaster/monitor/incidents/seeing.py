"""What one look does to the findings that stand: new, seen again, gone, cleared."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.checks.finding import Severity
from stationmaster.monitor.checks.looking import Outcome
from stationmaster.monitor.incidents.standing import StandingFinding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from stationmaster.monitor.checks.check import Check
    from stationmaster.monitor.checks.finding import Finding
    from stationmaster.monitor.checks.looking import Look
    from stationmaster.monitor.incidents.standing import Standing

__all__ = ["DAMPING", "MOST_DAMPING", "clear_after", "is_ripe", "seen"]

DAMPING: Final = dt.timedelta(minutes=10)
MOST_DAMPING: Final = dt.timedelta(hours=1)
"""Each time that an incident came back it stays open for ten minutes longer, at most an hour."""


def clear_after(check: Check | None, reopened: int) -> dt.timedelta:
    """Return how long a finding must be gone before it counts no more.

    Args:
        check: Which found it; None: a check that does not exist any more.
        reopened: How often its incident came back.
    """
    own = dt.timedelta(0) if check is None else check.clear_after
    return max(own, min(DAMPING * reopened, MOST_DAMPING))


def is_ripe(each: StandingFinding, check: Check | None, at: dt.datetime) -> bool:
    """Tell whether a finding has stood long enough for an incident; what is info never does."""
    if each.finding.severity is Severity.INFO or each.gone_at is not None:
        return False
    hold = dt.timedelta(0) if check is None else check.hold
    return at - each.first_seen_at >= hold


def seen(look: Look, before: Standing, checks: Mapping[str, Check]) -> list[StandingFinding]:
    """Return all findings that stood before or are new, as the look leaves them.

    Args:
        look: What checks found; one that could not look, or was not due, changes nothing.
        before: What stood.
        checks: All checks there are, by name, due or not: what a check found that does not exist
            any more is gone.
    """
    found = _by_key(look.findings)
    answered = {each.check.name for each in look.checks if each.outcome is not Outcome.UNKNOWN}
    reopened = {each.id: each.reopened for each in before.incidents}
    after = []
    for stood in before.findings:
        again = found.pop(stood.key, None)
        name = stood.finding.check
        if again is not None:
            after.append(_seen_again(stood, again, look.at))
        elif name in answered or name not in checks:
            often = reopened.get(stood.incident_id or 0, 0)
            after.append(_missed(stood, look.at, clear_after(checks.get(name), often)))
        else:
            after.append(stood)
    first = min([0, *(each.number for each in before.findings)]) - 1
    return after + [
        StandingFinding(
            number=first - index, finding=each, first_seen_at=look.at, last_seen_at=look.at
        )
        for index, each in enumerate(found.values())
    ]


def _by_key(findings: Iterable[Finding]) -> dict[str, Finding]:
    """Return one finding a key, the worst, whatever order they come in."""
    found: dict[str, Finding] = {}
    for each in sorted(findings, key=lambda one: (str(one.key), -one.severity.rank, one.what)):
        found.setdefault(str(each.key), each)
    return found


def _seen_again(stood: StandingFinding, again: Finding, at: dt.datetime) -> StandingFinding:
    since = min(stood.finding.since, again.since)
    newest = again.model_copy(update={"since": since})
    return replace(stood, finding=newest, last_seen_at=at, gone_at=None)


def _missed(stood: StandingFinding, at: dt.datetime, enough: dt.timedelta) -> StandingFinding:
    gone_at = stood.gone_at or at
    # Nobody was told of it: there is nothing to wait for.
    cleared = stood.incident_id is None or at - gone_at >= enough
    return replace(stood, gone_at=gone_at, cleared_at=at if cleared else None)
