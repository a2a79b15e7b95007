"""The outbox: nothing is lost, what a channel took is not told twice, a storm is one message."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from stationmaster.monitor.checks.finding import Severity, Subject, SubjectKind
from tests.monitor_alerts.offices import Office, webhook
from tests.monitor_incidents.situations import (
    APP,
    ELSEWHERE,
    REPORT,
    WEB,
    found,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.monitor_alerts.receivers import WebReceiver

NO_TIME = dt.timedelta(0)
TO_CHAT = {"otherwise": ["chat"]}


def test_an_incident_is_told_once_when_it_opens_and_once_when_it_is_over(uri: str) -> None:
    """Looks in between tell nobody anything, however often they come."""
    office = Office(uri, TO_CHAT.copy())
    for minute in range(5):
        office.look(found(WEB), found(REPORT), minute=minute)
        office.send(minute)
    office.look(minute=5)
    office.send(5)
    assert office.chat.kinds == ["opened", "closed"]
    assert office.chat.batches[0].messages[0].more == 1
    assert office.states() == [("chat", "sent"), ("chat", "sent")]


def test_a_channel_that_is_away_loses_nothing(uri: str, tmp_path: Path, web: WebReceiver) -> None:
    """What it could not take waits, is tried again later and later, and comes once."""
    office = Office(uri, {"otherwise": ["chat"]}, {"chat": webhook(tmp_path / "s", web.port)})
    web.stop()
    office.look(found(WEB))
    assert office.send(0).failed == 1
    assert office.send(0.2).failed == 0
    assert office.send(1).failed == 1
    (message,) = office.messages()
    assert (message.state, message.attempts) == ("waiting", 2)
    assert "JSON did not take it" in message.last_error
    web.start()
    assert office.send(5).sent == 1
    assert office.send(6).sent == 0
    assert len(web.documents) == 1


def test_a_message_and_its_repetition_have_one_key(
    local_uri: str, tmp_path: Path, web: WebReceiver
) -> None:
    """A webhook can tell that it has had it: the key stands in the header and in the document."""
    office = Office(local_uri, {"otherwise": ["chat"]}, {"chat": webhook(tmp_path / "s", web.port)})
    office.look(found(WEB, severity=Severity.CRITICAL))
    office.send(0)
    ((path, headers, document),) = web.taken
    assert path == "/team"
    assert headers["Idempotency-Key"] == document["key"] == "1:chat"
    assert (document["incidents"], document["event"]) == ("1", "opened")
    assert document["type"] == "failure"
    assert document["url"] == "https://monitor.example.com/incidents/1"
    assert document["title"] == "Critical: web is late. (#1)"


def test_no_password_is_in_an_error(local_uri: str, tmp_path: Path, web: WebReceiver) -> None:
    """What a channel says of its failure holds nothing of its URL."""
    office = Office(local_uri, {"otherwise": ["chat"]}, {"chat": webhook(tmp_path / "s", web.port)})
    web.status = 401
    office.look(found(WEB))
    office.send(0)
    (message,) = office.messages()
    assert message.last_error
    assert "hunter2secret" not in str(message)
    assert "127.0.0.1" not in message.last_error


def test_a_lost_channel_does_not_lose_the_alert(uri: str, tmp_path: Path, web: WebReceiver) -> None:
    """After ten minutes the route's next channel is told instead, once."""
    route = {"to": ["chat"], "if_lost": ["call"]}
    office = Office(uri, {"routes": [route]}, {"chat": webhook(tmp_path / "s", web.port)})
    web.stop()
    office.look(found(WEB))
    for minute in (0, 1, 5, 11, 12, 30, 60):
        office.send(minute)
    assert office.call.kinds == ["opened"]
    (lost,) = office.outbox.lost(office.messages()[0].made_at, after=NO_TIME)
    assert (lost.channel, lost.messages) == ("chat", 1)
    web.start()
    office.send(80)
    assert len(web.documents) == 1
    assert office.outbox.lost(office.messages()[0].made_at, after=NO_TIME) == []


def test_what_no_try_delivers_is_given_up_and_can_be_sent_by_hand(
    uri: str, tmp_path: Path, web: WebReceiver
) -> None:
    """After a day it is given up, which is seen, and an operator sends it again."""
    office = Office(uri, {"otherwise": ["chat"]}, {"chat": webhook(tmp_path / "s", web.port)})
    web.stop()
    office.look(found(WEB))
    office.send(0)
    assert office.send(24 * 60).given_up == 1
    assert office.states() == [("chat", "given-up")]
    web.start()
    office.desk(24 * 60 + 1).retry(office.messages()[0].id)
    assert office.send(24 * 60 + 2).sent == 1


def test_a_storm_is_one_message(uri: str) -> None:
    """Many incidents at once come as one, the worst first; a machine gets each."""
    office = Office(uri, {"otherwise": ["chat"]})
    troubles = [Subject(SubjectKind.DATASET, f"other_{number}") for number in range(12)]
    office.look(*[found(each) for each in troubles], found(ELSEWHERE, severity=Severity.CRITICAL))
    office.send(0)
    (batch,) = office.chat.batches
    assert len(batch.messages) == 13
    office.chat.groups = False
    office.look(minute=1)
    office.send(1)
    assert len(office.chat.batches) == 14


def test_a_channel_gets_so_many_messages_an_hour(local_uri: str) -> None:
    """More wait and come as one, so that nobody learns to look away."""
    office = Office(local_uri, {"otherwise": ["chat"], "most_an_hour": 3})
    for minute in range(6):
        shown = [found(Subject(SubjectKind.DATASET, f"t{n}")) for n in range(minute + 1)]
        office.look(*shown, minute=minute)
        office.send(minute)
    assert len(office.chat.batches) == 3
    office.send(13)
    assert [len(each.messages) for each in office.chat.batches] == [1, 1, 1, 3]
    office.look(*shown, found(WEB, severity=Severity.CRITICAL), minute=14)
    office.send(14)
    assert office.chat.batches[-1].messages[0].severity is Severity.CRITICAL


def test_a_channel_that_fails_stops_no_other(uri: str, tmp_path: Path, web: WebReceiver) -> None:
    """Each has its own messages and its own luck."""
    route = {"to": ["chat", "call"]}
    office = Office(uri, {"routes": [route]}, {"chat": webhook(tmp_path / "s", web.port)})
    web.status = 500
    office.look(found(WEB), found(APP))
    done = office.send(0)
    assert (done.sent, done.failed) == (2, 2)
    assert office.call.kinds == ["opened", "opened"]


def test_a_channel_that_is_down_is_tried_once_a_pass(
    uri: str, tmp_path: Path, web: WebReceiver
) -> None:
    """What else waits for it counts as not taken, so that it is passed on in time as well."""
    route = {"to": ["chat"], "if_lost": ["call"]}
    office = Office(uri, {"routes": [route]}, {"chat": webhook(tmp_path / "s", web.port)})
    web.status = 500
    office.look(found(WEB), found(APP), found(ELSEWHERE))
    assert office.send(0).failed == 3
    assert web.requests == 1
    office.send(15)
    assert len(office.messages()) == 6
