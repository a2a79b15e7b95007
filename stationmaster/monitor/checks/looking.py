"""One look at everything: what each check found, or why it could not look."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from stationmaster.monitor.facts.missing import FactsNotHereError, FactsUnavailableError
from stationmaster.step.errors import StationmasterError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from stationmaster.monitor.checks.check import Check
    from stationmaster.monitor.checks.finding import Finding
    from stationmaster.monitor.facts.facts import Facts

__all__ = ["CheckLook", "Look", "Outcome", "look_at"]

log = logging.getLogger(__name__)


class Outcome(StrEnum):
    """Tell what came of one check's look."""

    CLEAR = "clear"
    """It looked, and nothing is wrong."""
    FOUND = "found"
    NOT_HERE = "not-here"
    """What it looks at does not exist in this installation: a cluster, on a laptop."""
    UNKNOWN = "unknown"
    """It could not look. That is not "clear": nothing of it closes."""


@dataclass(frozen=True, kw_only=True)
class CheckLook:
    """Hold what came of one check.

    Args:
        check: The check.
        outcome: What came of it.
        findings: What is wrong; whole only where the outcome is `found` or `clear`.
        why: Why it could not look.
        seconds: How long it took.
    """

    check: Check
    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    why: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Look:
    """Hold one look at everything.

    Args:
        at: The moment, by the facts' clock.
        checks: One for each check that was due.
    """

    at: dt.datetime
    checks: tuple[CheckLook, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return what all checks found."""
        return tuple(finding for each in self.checks for finding in each.findings)


def look_at(facts: Facts, checks: Iterable[Check]) -> Look:
    """Let checks look; one that fails or cannot look stops no other."""
    return Look(at=facts.now, checks=tuple(_look(facts, each) for each in checks))


def _look(facts: Facts, check: Check) -> CheckLook:
    begun = time.monotonic()
    outcome, why = Outcome.CLEAR, ""
    findings: tuple[Finding, ...] = ()
    try:
        findings = tuple(check.look(facts))
    except FactsNotHereError as error:
        outcome, why = Outcome.NOT_HERE, str(error)
    except FactsUnavailableError as error:
        outcome, why = Outcome.UNKNOWN, str(error)
    except StationmasterError as error:
        # It says itself what was expected: where it was raised helps nobody.
        outcome, why = Outcome.UNKNOWN, str(error)
    except Exception as error:
        log.exception("check %s failed", check.name)
        outcome, why = (
            Outcome.UNKNOWN,
            f"{check.name} itself failed: {type(error).__name__}: {error}",
        )
    if findings:
        outcome = Outcome.FOUND
    took = time.monotonic() - begun
    return CheckLook(check=check, outcome=outcome, findings=findings, why=why, seconds=took)
