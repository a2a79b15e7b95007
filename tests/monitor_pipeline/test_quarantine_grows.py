"""Rows that are set aside: far more at once, or a little more each day."""

from __future__ import annotations

import datetime as dt

import pytest

from stationmaster.monitor.checks.pipeline.volumes import quarantine_growing
from tests.monitor_pipeline.morningstory import DAY, MorningStory, aside, at


def test_far_more_rows_set_aside_than_usual_are_told() -> None:
    """Five a day became sixty: below the contract's limit, and worth a look."""
    told = MorningStory(at(DAY, "07:00"))
    for back in range(40, 0, -1):
        aside(told, DAY - dt.timedelta(days=back), 4 + back % 3)
    assert told.found_by(quarantine_growing) == []
    aside(told, DAY, 60)

    (found,) = told.found_by(quarantine_growing)

    assert "60 rows of web_orders" in found.what
    assert found.evidence["share"] == 0.06


@pytest.mark.parametrize(("growth", "is_told"), [(1.35, True), (1.0, False)])
def test_a_little_more_set_aside_each_day_is_told_within_a_week(
    growth: float, *, is_told: bool
) -> None:
    """No day of it is far from the days before; the week is, and the share has doubled."""
    told = MorningStory(at(DAY, "07:00"))
    for back in range(48, -1, -1):
        days_in = max(0, 7 - back)
        aside(told, DAY - dt.timedelta(days=back), round((4 + back % 3) * growth**days_in))

    assert bool(told.found_by(quarantine_growing)) is is_told
