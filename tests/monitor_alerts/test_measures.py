"""How good the alerts are: measured by what people said, and by what mended itself."""

from __future__ import annotations

import datetime as dt
from typing import Any

from stationmaster.monitor.alerts.measures import Told, alert_stats, read_told, spread_of
from tests.monitor_alerts.offices import Office, at
from tests.monitor_incidents.situations import ELSEWHERE, MINUTE, NOW, WEB, found

DAYS = dt.timedelta(days=10)


def told(**fields: Any) -> Told:  # noqa: ANN401 (Told's fields)
    """Return an incident that was told a minute after it began, and lasted an hour."""
    known: dict[str, Any] = {
        "owner": "analytics",
        "since": NOW,
        "opened_at": NOW + MINUTE,
        "closed_at": NOW + 61 * MINUTE,
        "acknowledged": False,
        "closed_by_hand": False,
        "judged": "",
        "foretold": False,
        "first_sent_at": NOW + MINUTE,
        "sent": 2,
    }
    return Told(**(known | fields))


def test_what_mended_itself_soon_was_a_false_alarm_unless_people_say_otherwise() -> None:
    """Within ten minutes, acknowledged by nobody."""
    soon = NOW + 10 * MINUTE
    assert told(closed_at=soon).false_alarm
    assert not told(closed_at=soon, judged="real").false_alarm
    assert not told(closed_at=soon, acknowledged=True).false_alarm
    assert not told(closed_at=soon, closed_by_hand=True).false_alarm
    assert not told(closed_at=soon, first_sent_at=None).false_alarm
    assert told(judged="false-alarm").false_alarm
    assert not told(closed_at=None).false_alarm


def test_the_rate_is_of_what_somebody_was_told_of() -> None:
    """What nobody heard cried no wolf."""
    incidents = [told(), told(judged="false-alarm"), told(first_sent_at=None, sent=0)]
    stats = alert_stats(incidents, since=NOW - DAYS, until=NOW)
    assert (stats.incidents, stats.told, stats.false_alarms) == (3, 2, 1)
    assert stats.false_alarm_rate == 0.5
    assert stats.messages_a_day == {"analytics": 0.4}


def test_a_forecast_cannot_be_noticed_late() -> None:
    """Its beginning is in the future, or is a trend's."""
    stats = alert_stats([told(foretold=True)], since=NOW - DAYS, until=NOW)
    assert stats.begun_to_opened.number == 0
    assert stats.opened_to_sent.number == 1


def test_a_spread_names_values_that_were_there() -> None:
    """Nearest rank; nothing measured is nothing, not zero."""
    assert spread_of([]).p50 is None
    spread = spread_of([None, *range(1, 101)])
    assert (spread.number, spread.p50, spread.p95, spread.most) == (100, 50, 95, 100)


def test_measures_are_read_from_the_ledger(uri: str) -> None:
    """Incidents, first messages, and what people did."""
    office = Office(uri, {"otherwise": ["chat"]})
    office.look(found(WEB, since=NOW - 3 * MINUTE), found(ELSEWHERE))
    office.send(2)
    office.desk(3).acknowledge(1)
    office.look(minute=5)
    office.send(5)
    one, other = read_told(office.store.engine, since=NOW - DAYS, until=at(60))
    assert {one.acknowledged, other.acknowledged} == {True, False}
    assert {one.false_alarm, other.false_alarm} == {True, False}
    stats = alert_stats([one, other], since=NOW - DAYS, until=at(60))
    assert stats.begun_to_sent.most == 300
    assert stats.opened_to_sent.p50 == 120
