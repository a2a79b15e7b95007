"""One look in bounded time: checks side by side, and one that hangs stops no other."""

from __future__ import annotations

import contextvars
import datetime as dt
import threading
import time
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.checks.looking import CheckLook, Look, Outcome, look_at
from stationmaster.monitor.tracing.spans import span

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from stationmaster.monitor.checks.check import Check
    from stationmaster.monitor.facts.facts import Facts

__all__ = ["Looker"]

SLACK: Final = dt.timedelta(seconds=5)
"""A look that comes a little early counts: an hourly check is not to skip an hour for a second."""


class Looker:
    """Let checks look that are due.

    Args:
        checks: All of them.
        seconds: How long one look may take; what has not answered then is unknown.
    """

    def __init__(self, checks: Iterable[Check], *, seconds: float = 40.0) -> None:
        self.checks = {each.name: each for each in checks}
        self._seconds = seconds
        self._looked: dict[str, dt.datetime] = {}
        self._running: dict[str, tuple[threading.Thread, float]] = {}

    def due(self, now: dt.datetime) -> list[Check]:
        """Return the checks whose last look is long enough ago; none looks twice at once."""
        return [
            each
            for each in self.checks.values()
            if (last := self._looked.get(each.name)) is None or now - last + SLACK >= each.every
        ]

    def look(self, facts: Facts) -> Look:
        """Let all checks look that are due, and return what came of each."""
        due = self.due(facts.now)
        self._running = {
            name: (thread, since)
            for name, (thread, since) in self._running.items()
            if thread.is_alive()
        }
        found: dict[str, CheckLook] = {}
        free = [each for each in due if each.name not in self._running]
        self._start(free, facts, found)
        self._wait(free)
        looks = tuple(found.get(each.name) or self._hung(each) for each in due)
        for each in looks:
            if each.outcome is not Outcome.UNKNOWN:
                self._looked[each.check.name] = facts.now
        return Look(at=facts.now, checks=looks)

    def _start(self, checks: Sequence[Check], facts: Facts, found: dict[str, CheckLook]) -> None:
        for each in checks:
            thread = threading.Thread(
                target=contextvars.copy_context().run,
                args=[_look, facts, each, found],
                name=f"check-{each.name}",
                daemon=True,
            )
            self._running[each.name] = (thread, time.monotonic())
            thread.start()

    def _wait(self, checks: Sequence[Check]) -> None:
        until = time.monotonic() + self._seconds
        for each in checks:
            self._running[each.name][0].join(max(0.0, until - time.monotonic()))

    def _hung(self, check: Check) -> CheckLook:
        since = time.monotonic() - self._running[check.name][1]
        why = f"{check.name} has not answered for {since:.0f} s"
        return CheckLook(check=check, outcome=Outcome.UNKNOWN, why=why, seconds=since)


def _look(facts: Facts, check: Check, found: dict[str, CheckLook]) -> None:
    with span("stationmaster.check", check=check.name) as made:
        (told,) = look_at(facts, [check]).checks
        made.set(outcome=told.outcome, findings=len(told.findings), why=told.why)
        if told.outcome is Outcome.UNKNOWN:
            made.fail(told.why)
    found[check.name] = told
