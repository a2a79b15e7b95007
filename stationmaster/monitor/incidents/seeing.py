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
    from collections.abc import Set as AbstractSet

    from stationmaster.monitor.checks.check import Check
    from stationmaster.monitor.checks.finding import Finding
    from stationmaster.monitor.checks.looking import Look
    from stationmaster.monitor.incidents.standing import Standing

__all__ = ["DAMPING", "MOST_DAMPING", "SETTLING", "clear_after", "is_ripe", "seen"]

SETTLING: Final = dt.timedelta(hours=1)
"""So long what came of a cause may take to mend after the cause did: a source that delivers late
is still why the report is late. Then what is left is a trouble of its own."""

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


def seen(
    look: Look,
    before: Standing,
    checks: Mapping[str, Check],
    released: AbstractSet[str] = frozenset(),
) -> tuple[list[StandingFinding], frozenset[str]]:
    """Return all findings that stood before or are new, as the look leaves them.

    And the keys of causes that count only because something that came of them is still there.

    Args:
        look: What checks found; one that could not look, or was not due, changes nothing.
        before: What stood.
        checks: All checks there are, by name, due or not: what a check found that does not exist
            any more is gone.
        released: Keys of causes that are not to be kept.
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
    causes = {each.id: each.cause for each in before.incidents if each.is_open}
    kept = _settling(after, causes, look.at) - released
    after = [replace(each, cleared_at=None) if each.key in kept else each for each in after]
    first = min([0, *(each.number for each in before.findings)]) - 1
    new = [
        StandingFinding(
            number=first - index, finding=each, first_seen_at=look.at, last_seen_at=look.at
        )
        for index, each in enumerate(found.values())
    ]
    return after + new, kept


def _settling(
    findings: list[StandingFinding], causes: Mapping[int, str], at: dt.datetime
) -> frozenset[str]:
    """Return causes that are gone, not for an hour, while what came of them is still there."""
    there = {each.incident_id for each in findings if each.gone_at is None}
    return frozenset(
        each.key
        for each in findings
        if each.cleared_at is not None
        and each.gone_at is not None
        and each.incident_id in there
        and causes.get(each.incident_id or 0) == each.key
        and at - each.gone_at < SETTLING
    )


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
