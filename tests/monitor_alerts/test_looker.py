"""One look takes a bounded time: what hangs is unknown, and stops no other check."""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import replace

from stationmaster.monitor.checks.looking import Outcome
from stationmaster.monitor.facts.facts import Facts
from stationmaster.monitor.watching.looking import Looker
from tests.monitor_incidents.situations import MINUTE, NOW, a_check


def facts(minute: float = 0) -> Facts:
    """Return facts of some minutes after `NOW`."""
    return Facts(now=NOW + minute * MINUTE)


def test_a_check_that_hangs_is_unknown_and_not_started_twice() -> None:
    """The others answer; when it comes back it looks again."""
    free, begun = threading.Event(), []

    def hang(_: Facts) -> tuple[()]:
        begun.append(1)
        free.wait(20)
        return ()

    checks = [a_check("quick"), replace(a_check("hangs"), look=hang)]
    looker = Looker(checks, seconds=2.0)
    for minute in (0, 1):
        quick, hung = looker.look(facts(minute)).checks
        assert (quick.outcome, hung.outcome) == (Outcome.CLEAR, Outcome.UNKNOWN)
        assert "hangs has not answered for" in hung.why
    assert len(begun) == 1
    free.set()
    for thread in threading.enumerate():
        if thread.name == "check-hangs":
            thread.join()
    assert looker.look(facts(2)).checks[1].outcome is Outcome.CLEAR


def test_a_dear_check_looks_as_often_as_it_says() -> None:
    """One that could not look is asked again at once."""
    looker = Looker([a_check("hourly", every=60), a_check("always")])
    names = [
        [each.check.name for each in looker.look(facts(minute)).checks] for minute in (0, 1, 59, 60)
    ]
    assert names == [["hourly", "always"], ["always"], ["always"], ["hourly", "always"]]


def test_a_look_a_second_early_is_no_look_too_few() -> None:
    """Clocks and sleeps are not exact."""
    looker = Looker([a_check("hourly", every=60)])
    looker.look(facts(0))
    early = NOW + 60 * MINUTE - dt.timedelta(seconds=1)
    assert looker.due(early)
