"""Mornings that go well are found to go well: no check says anything, at any hour of the day."""

from __future__ import annotations

import datetime as dt

import pytest

from stationmaster.monitor.checks.every import BUSINESS, EVERY_CHECK, PIPELINE
from stationmaster.monitor.checks.looking import Outcome, look_at
from tests.monitor_pipeline.morningstory import DAY, MorningStory, at


@pytest.mark.parametrize("days", [1, 3, 20, 90])
def test_mornings_that_go_well_are_quiet(days: int) -> None:
    """Whatever the history, and whenever one looks, nothing is found and nothing is unknown."""
    story = MorningStory()
    story.mornings(DAY, days)

    for clock in ("00:10", "06:02", "06:05", "06:12", "06:34", "06:36", "09:00", "23:50"):
        story.now = at(DAY, clock)
        look = look_at(story.facts(), (*PIPELINE, *BUSINESS))
        assert [each.what for each in look.findings] == []
        assert {each.outcome for each in look.checks} <= {Outcome.CLEAR}, [
            each.why for each in look.checks
        ]


def test_ten_quiet_days_are_quiet_every_ten_minutes_of_the_morning() -> None:
    """Ten mornings, looked at while they pass, bring no finding at all."""
    story = MorningStory()
    story.mornings(DAY, 60)

    for back in range(10):
        day = DAY - dt.timedelta(days=back)
        for minute in range(0, 60, 10):
            story.now = at(day, f"06:{minute:02}")
            assert [each.what for each in look_at(story.facts(), EVERY_CHECK).findings] == []
