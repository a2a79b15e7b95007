"""An incident that grows is told again: what it reaches now, at most once in a quarter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stationmaster.monitor.alerts.rendering import rendered
from stationmaster.monitor.checks.finding import Severity
from tests.monitor_alerts.offices import LONDON, Office
from tests.monitor_incidents.situations import (
    CUSTOMERS,
    EXTRACT,
    MERGE,
    ORDERS,
    REPORT,
    WEB,
    found,
)

if TYPE_CHECKING:
    from stationmaster.monitor.checks.finding import Finding

CHAT: dict[str, Any] = {"otherwise": ["chat"]}
QUIET: dict[str, Any] = {
    "teams": {"analytics": {"to": ["chat"], "quiet": {"from": "19:00", "until": "07:30"}}}
}
"""06:40 on a Tuesday, where tests begin, is before work."""


def live(office: Office, *stages: tuple[float, tuple[Finding, ...]]) -> None:
    """Look and send at each of these minutes."""
    for minute, findings in stages:
        office.look(*findings, minute=minute)
        office.send(minute)


def test_it_is_opened_once_updated_and_closed(uri: str) -> None:
    """A late source, the dataset that is late of it, and the end."""
    office = Office(uri, dict(CHAT))
    late = (found(WEB), found(ORDERS))
    live(office, (0, (found(WEB),)), (20, late), (21, late), (60, late), (70, ()))

    assert office.chat.kinds == ["opened", "grew", "closed"]
    (_, grown, _) = (batch.messages[0] for batch in office.chat.batches)
    text = rendered([grown], "text", LONDON)
    assert text.title.startswith("More of it: web is late.")
    assert "orders_web is late." in text.body


def test_what_grows_step_by_step_is_one_message_a_quarter(uri: str) -> None:
    """Four datasets in ten minutes are one update, and it knows of all of them."""
    office = Office(uri, dict(CHAT))
    one, two = found(ORDERS), found(CUSTOMERS)
    rest = (found(WEB), one, two, found(REPORT))
    stages = [(0, (found(WEB),)), (3, (found(WEB), one)), (6, (found(WEB), one, two)), (9, rest)]
    live(office, *stages, *((minute, rest) for minute in range(10, 40)))

    assert office.chat.kinds == ["opened", "grew"]
    assert office.chat.batches[1].messages[0].more == 3
    assert [state for _, state in office.states()] == ["sent"] * 4


def test_a_severity_that_rises_is_told_at_once(uri: str) -> None:
    """It waits for no quarter, and what grew with it is told by it."""
    office = Office(uri, dict(CHAT))
    worse = (found(WEB), found(REPORT, severity=Severity.CRITICAL))
    live(office, (0, (found(WEB),)), (2, worse), (3, worse), (30, worse))

    assert office.chat.kinds == ["opened", "worsened"]


def test_what_reaches_nobody_new_is_no_news(uri: str) -> None:
    """Steps that fail because of the same source are on the incident's page."""
    office = Office(uri, dict(CHAT))
    more = (found(WEB), found(EXTRACT), found(MERGE))
    live(office, (0, (found(WEB),)), (20, more), (60, more))

    assert office.chat.kinds == ["opened"]


def test_new_readers_are_news(uri: str) -> None:
    """A step that others are affected by is told, with their names."""
    office = Office(uri, dict(CHAT))
    more = (found(WEB), found(EXTRACT, affected=("the warehouse team",)))
    live(office, (0, (found(WEB, affected=("management",)),)), (20, more))

    assert office.chat.kinds == ["opened", "grew"]
    assert office.chat.batches[1].messages[0].affected[-1] == "the warehouse team"


def test_quiet_hours_hold_for_updates_too(uri: str) -> None:
    """In the morning it is one message, and it opens the incident for whoever reads it."""
    office = Office(uri, dict(QUIET))
    more = (found(WEB), found(ORDERS))
    live(office, (0, (found(WEB),)), (20, more), (49, more), (50, more), (80, more))

    assert office.chat.kinds == ["opened"]
    (message,) = office.chat.batches[0].messages
    assert (message.more, message.note) == (1, "")


def test_who_looks_after_it_is_not_told_of_more(uri: str) -> None:
    """An acknowledged incident shows it, and calls nobody."""
    office = Office(uri, dict(CHAT))
    live(office, (0, (found(WEB),)))
    office.desk(5).acknowledge(office.number)
    live(office, (20, (found(WEB), found(ORDERS))), (60, (found(WEB), found(ORDERS))))

    assert office.chat.kinds == ["opened", "acknowledged"]


def test_updates_can_be_left_out(local_uri: str) -> None:
    """The file of expectations says how often, or never."""
    office = Office(local_uri, {**CHAT, "update_minutes": None})
    live(office, (0, (found(WEB),)), (20, (found(WEB), found(ORDERS))))

    assert office.chat.kinds == ["opened"]
