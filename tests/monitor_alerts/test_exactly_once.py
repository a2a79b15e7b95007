"""What must be told is told, once, whatever goes wrong: messages, databases, clocks, silences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from stationmaster.ledger.engine import transaction
from stationmaster.ledger.incidentmodels import notification
from stationmaster.monitor.alerts.channels import Batch, ChannelError
from stationmaster.monitor.checks.finding import Severity, Subject, SubjectKind
from stationmaster.monitor.incidents.matching import Matcher
from stationmaster.monitor.incidents.reading import incidents
from stationmaster.monitor.incidents.store import TooLateError
from tests.databases import with_tables
from tests.monitor_alerts.offices import Kept, Office, at
from tests.monitor_alerts.worlds import World
from tests.monitor_incidents.looks import hold_lease
from tests.monitor_incidents.situations import (
    APP,
    DATABASE,
    ELSEWHERE,
    LATE,
    LINEAGE,
    REPORT,
    WEB,
    a_check,
    a_look,
    found,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.postgres_server import PostgresServer

CRITICAL = Severity.CRITICAL
NIGHT = {"from": "19:00", "until": "07:30"}


class Picky(Kept):
    """A channel that takes everything but what is about the source web."""

    def deliver(self, batch: Batch) -> None:
        """Keep a batch, or refuse it."""
        if any("source web" in each.where for each in batch.messages):
            message = "it does not like this one"
            raise ChannelError(message)
        super().deliver(batch)


def test_a_message_that_a_channel_never_takes_holds_up_no_other(uri: str) -> None:
    """The others come with the next pass, each once."""
    picky = Picky()
    office = Office(uri, {"otherwise": ["chat"]}, {"chat": picky})
    office.look(found(WEB), found(APP), found(ELSEWHERE))
    for minute in (0, 1, 2, 4, 8, 20):
        office.send(minute)
    assert sorted(batch.messages[0].where for batch in picky.batches) == [
        "dataset weather",
        "source app",
    ]


def test_a_message_that_is_never_taken_holds_up_no_storm(uri: str) -> None:
    """What came as one and was refused comes in parts, without the one that is why."""
    picky = Picky()
    office = Office(uri, {"otherwise": ["chat"], "storm": 2}, {"chat": picky})
    office.look(found(WEB), found(APP), found(ELSEWHERE), found(Subject(SubjectKind.NODE, "n1")))
    office.send(0)
    assert picky.batches == []
    office.send(2)
    taken = [each.where for batch in picky.batches for each in batch.messages]
    assert sorted(taken) == ["dataset weather", "node n1", "source app"]


def test_a_message_that_nobody_can_read_stops_no_other(uri: str) -> None:
    """It is given up, which is seen; the others go."""
    office = Office(uri, {"otherwise": ["chat"]})
    office.look(found(WEB), found(APP))
    broken = sa.update(notification).where(notification.c.id == 1).values(document={"kind": "?"})
    with transaction(office.store.engine, writes=True) as connection:
        connection.execute(broken)
    office.send(0)
    assert office.chat.kinds == ["opened"]
    assert office.states() == [("chat", "given-up"), ("chat", "sent")]
    assert office.messages()[0].last_error == "its document cannot be read"


def test_what_was_taken_while_the_database_went_is_not_sent_again(
    own_postgres: PostgresServer,
) -> None:
    """That the channel has it is written down when the database is back."""

    class Cutting(Kept):
        def deliver(self, batch: Batch) -> None:
            super().deliver(batch)
            if len(self.batches) == 1:
                own_postgres.stop()

    chat = Cutting()
    uri = with_tables(own_postgres.new_database())
    office = Office(uri, {"otherwise": ["chat"]}, {"chat": chat})
    office.look(found(WEB))
    with pytest.raises(sa.exc.DBAPIError):
        office.send(0)
    own_postgres.start()
    office.send(10)
    assert (chat.kinds, office.states()) == (["opened"], [("chat", "sent")])


def test_what_waited_for_the_morning_is_not_told_under_a_silence(uri: str) -> None:
    """Somebody said so meanwhile; when the silence ends, and it is there, it is told."""
    team = {"to": ["chat"], "quiet": NIGHT}
    office = Office(uri, {"teams": {"analytics": team}})
    office.look(found(WEB))
    office.desk(5).silence(Matcher(subject="source:web"), ends_at=at(90), why="known")
    office.look(found(WEB), minute=50)
    office.send(50)
    assert office.chat.kinds == []
    office.look(found(WEB), minute=91)
    office.send(91)
    assert office.chat.kinds == ["silence-over"]


def test_a_silence_that_ends_says_nothing_of_what_is_going(uri: str) -> None:
    """It is told when it is back; and where it stays away, nobody is told anything."""
    office = Office(uri, {"otherwise": ["chat"]})
    patient = [a_check("late", clear_after=5)]
    office.desk(0).silence(Matcher(subject="source:web"), ends_at=at(10), why="known")
    office.look(found(WEB), minute=1, checks=patient)
    office.look(minute=9, checks=patient)
    office.look(minute=11, checks=patient)
    office.send(11)
    assert office.chat.kinds == []
    office.look(found(WEB), minute=12, checks=patient)
    office.send(12)
    assert office.chat.kinds == ["silence-over"]


def test_what_gets_critical_is_escalated_anew(uri: str) -> None:
    """By the steps of the route that it has then, whatever was taken before."""
    routes = [
        {"severity": "critical", "to": ["chat"], "escalate": [{"after_minutes": 5, "to": ["log"]}]},
        {"to": ["chat"], "escalate": [{"after_minutes": 15, "to": ["call"]}]},
    ]
    office = Office(uri, {"routes": routes})
    for minute in (0, 16):
        office.look(found(WEB), minute=minute)
    for minute in (20, 26):
        office.look(found(WEB, severity=CRITICAL), minute=minute)
    channels = [each.channel for each in office.messages() if each.document["kind"] == "escalated"]
    assert channels == ["call", "log"]


def test_the_team_of_a_cause_that_is_found_later_is_told(uri: str) -> None:
    """Also where somebody of the first team looks after the incident already."""
    routes = [{"owner": "platform", "to": ["call"]}, {"to": ["chat"]}]
    office = Office(uri, {"routes": routes})
    office.look(found(REPORT))
    office.send(0)
    office.desk(1).acknowledge(office.number)
    cause = found(DATABASE, owner="platform", business_date=None)
    for minute in (2, 3):
        office.look(found(REPORT), cause, minute=minute)
        office.send(minute)
    assert office.call.kinds == ["cause-changed"]
    assert office.chat.kinds == ["opened", "acknowledged"]


def test_a_clock_that_goes_back_stops_no_watcher(uri: str, tmp_path: Path) -> None:
    """What a clock that was a day ahead wrote is no reason to watch nothing for a day."""
    world = World(uri, tmp_path)
    world.wrong = [found(WEB)]
    world.look(world.watcher("ahead"), 24 * 60)
    two = world.watcher("two")
    assert world.look(two, 0).holder == "two"
    world.wrong = [found(APP)]
    world.look(two, 1)
    assert world.chat.kinds == ["opened", "closed", "opened"]


def test_a_look_that_comes_too_late_is_not_written(uri: str) -> None:
    """It was told without the database; writing it as well would tell it twice."""
    office = Office(uri, {"otherwise": ["chat"]})
    hold_lease(office.store)
    look = a_look(found(WEB), at=at(0))
    with pytest.raises(TooLateError, match="nothing is written"):
        office.store.take_look(
            look, LINEAGE, {"late": LATE}, holder="one", now=at(0), wanted=lambda: False
        )
    assert incidents(office.store.engine) == []
    assert office.messages() == []
