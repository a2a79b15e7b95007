"""What the drill found wrong in checks, kept as tests: false alarms, and wrong words."""

from __future__ import annotations

import datetime as dt

from stationmaster.monitor.checks.pipeline.retrying import step_retrying
from stationmaster.monitor.checks.pipeline.running import step_failed
from stationmaster.monitor.checks.pipeline.volumes import quarantine_growing
from stationmaster.monitor.facts.attempts import Output
from stationmaster.monitor.monitoring import Monitoring
from stationmaster.monitor.testing import Story

DAY = dt.date(2011, 11, 21)
SIX = dt.datetime(2011, 11, 22, 6, tzinfo=dt.UTC)
REFUSED = "upstream_unavailable"
LATER = "The step tries again later; if it stays so, ask the support team."


def failed_story(now: dt.datetime) -> Story:
    """Return a step whose four tries failed within twenty minutes."""
    story = Story(now)
    for minutes in (0, 3, 8, 17):
        begun = SIX + dt.timedelta(minutes=minutes)
        story.attempt("morning", "extract_support", DAY, begun, verdict=REFUSED, hint=LATER)
    return story


def test_a_step_that_was_cleared_by_hand_has_not_retried_too_often() -> None:
    """It had failed for good and was told; that it is well now closes the incident."""
    story = failed_story(SIX + dt.timedelta(hours=4))
    story.attempt("morning", "extract_support", DAY, SIX + dt.timedelta(hours=3), seconds=30.0)

    assert story.found_by(step_retrying) == []


def test_what_nothing_tries_again_does_not_say_that_it_is_tried_later() -> None:
    """The step did not know that it was its last try; the alert does."""
    story = failed_story(SIX + dt.timedelta(hours=1))

    (found,) = story.found_by(step_failed)

    assert (
        found.next_action
        == "Ask the support team. No try is left: when it is mended, clear extract_support."
    )


def test_two_rows_of_thirty_set_aside_are_no_trend() -> None:
    """A small day's share says nothing, however large it is."""
    expected = Monitoring.model_validate({"datasets": {"app_orders": {}}})
    story = Story(SIX + dt.timedelta(hours=1), expected)
    output = Output("app_orders", DAY, rows=32, quarantined_rows=2)
    story.attempt("morning", "extract_app", DAY, SIX, outputs={"app_orders": output})

    assert story.found_by(quarantine_growing) == []
