"""Calls that may hang: their limit holds."""

from __future__ import annotations

import threading
import time

import pytest

from stationmaster.monitor.facts.within import side_by_side, within


def test_a_call_that_hangs_is_left_behind() -> None:
    """Whoever asked goes on; the thread keeps no program alive."""
    release = threading.Event()

    with pytest.raises(TimeoutError, match=r"no answer within 0\.05 s"):
        within(0.05, release.wait)
    release.set()


def test_an_answer_or_an_error_comes_through() -> None:
    """As if it had been called here."""
    assert within(5, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0)


def test_calls_side_by_side_share_one_limit() -> None:
    """One that hangs costs the others nothing, and their order stays."""
    release = threading.Event()
    started = threading.Event()

    def slow() -> str:
        started.wait()
        return "slow"

    def quick() -> str:
        started.set()
        return "quick"

    def wrong() -> str:
        raise ZeroDivisionError

    def hangs() -> str:
        return str(release.wait())

    found = side_by_side(5, [hangs, slow, wrong, quick])
    release.set()

    assert isinstance(found[0], TimeoutError)
    assert isinstance(found[2], ZeroDivisionError)
    assert found[1::2] == ["slow", "quick"]


def test_what_ended_before_its_turn_counts() -> None:
    """The limit is for all together; an answer that is there is taken."""
    release = threading.Event()

    found = side_by_side(2, [lambda: release.wait(20), lambda: time.monotonic() > 0])
    release.set()

    assert isinstance(found[0], TimeoutError)
    assert found[1] is True
