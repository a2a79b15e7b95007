"""Answers are shared and kept, and never kept from who has just acted."""

from __future__ import annotations

import datetime as dt
import threading
import time
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from stationmaster.monitor.dashboard.reading.source import Source


@pytest.fixture
def source() -> Source:
    """Return a source whose answers are counted by the test."""
    engine = sa.create_engine("sqlite://")
    return Source(engine, lambda: dt.datetime.now(dt.UTC), ZoneInfo("UTC"))


def test_many_who_ask_at_once_are_one_question(source: Source) -> None:
    """Ten pages that open together wait for one answer."""
    asked: list[int] = []
    told: list[int] = []

    def answer() -> int:
        asked.append(1)
        time.sleep(0.1)
        return len(asked)

    threads = [
        threading.Thread(target=lambda: told.append(source.kept("q", answer))) for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert told == [1] * 10


def test_a_change_makes_an_answer_old_and_an_act_makes_all_old(source: Source) -> None:
    """What changed is asked again; after an act also what is good for an hour."""
    asked = iter(range(10))
    first = [
        source.kept("q", lambda: next(asked)),
        source.kept("h", lambda: next(asked), seconds=3600),
    ]
    source.forget()
    time.sleep(0.01)  # longer than ten times what it took
    changed = [
        source.kept("q", lambda: next(asked)),
        source.kept("h", lambda: next(asked), seconds=3600),
    ]
    source.forget_all()
    acted = [
        source.kept("q", lambda: next(asked)),
        source.kept("h", lambda: next(asked), seconds=3600),
    ]

    assert (first, changed, acted) == ([0, 1], [2, 1], [3, 4])


def test_what_is_dear_is_not_asked_all_the_time(source: Source) -> None:
    """An answer that took long stays good for a while, however often something changes."""
    asked: list[int] = []

    def answer() -> int:
        asked.append(1)
        time.sleep(0.2)
        return len(asked)

    for _ in range(5):
        source.forget()
        source.kept("dear", answer)

    assert len(asked) == 1
