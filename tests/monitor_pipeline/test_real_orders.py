"""Four weeks of a real shop before Christmas: none of its days is off by its own history."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from stationmaster.monitor.checks.business.numbers import total_off
from stationmaster.monitor.checks.finding import Severity
from stationmaster.monitor.checks.pipeline.volumes import quarantine_growing, volume_off
from stationmaster.monitor.monitoringfile import read_monitoring
from stationmaster.monitor.testing import Story
from tests.monitor_drill.orders import real_orders
from tests.monitor_pipeline.morningstory import at

OURS = Path(__file__).parents[2] / "dags" / "monitoring.yaml"
FIRST, LAST = dt.date(2011, 11, 11), dt.date(2011, 12, 8)
CHECKS = (volume_off, total_off, quarantine_growing)


def shop(day: dt.date, *, web_share: float = 1.0) -> Story:
    """Return the mornings of a hundred days up to one, as the shop's orders really were."""
    orders = real_orders()
    story = Story(at(day, "07:00"), read_monitoring(OURS))
    for back in range(100, -1, -1):
        each = day - dt.timedelta(days=back)
        web, app, pounds = orders.of(each)
        web = int(web * (1.0 if back else web_share))
        story.attempt(
            "morning_analytics",
            "report_morning",
            each,
            at(each, "06:00"),
            outputs={
                "web_orders": web,
                "app_orders": app,
                "unified_orders": web + app,
                "delivery_events": 4 * (web + app),
            },
            figures={
                "morning_report/orders": float(web + app),
                "morning_report/revenue": pounds,
            },
        )
    return story


def test_four_real_weeks_bring_no_alert() -> None:
    """Weekends without orders, growth towards Christmas: what is usual is not told."""
    told = []
    for ahead in range((LAST - FIRST).days + 1):
        story = shop(FIRST + dt.timedelta(days=ahead))
        told += [
            found.what
            for check in CHECKS
            for found in story.found_by(check)
            if found.severity is not Severity.INFO
        ]

    assert told == []


def test_half_of_a_real_day_is_told() -> None:
    """On a Monday of November half of the web shop's orders are missing."""
    found = shop(dt.date(2011, 11, 21), web_share=0.5).found_by(volume_off)

    assert "web_orders" in [each.subject.name for each in found]
