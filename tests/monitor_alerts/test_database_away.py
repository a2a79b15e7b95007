"""While the database is away, and when it is back: what was told is one incident, told once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stationmaster.monitor.checks.finding import Severity
from stationmaster.monitor.incidents.book import changing
from stationmaster.monitor.incidents.reading import incidents
from tests.databases import with_tables
from tests.monitor_alerts.test_exactly_once import Picky
from tests.monitor_alerts.worlds import World
from tests.monitor_incidents.situations import (
    WEB,
    found,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.postgres_server import PostgresServer

CRITICAL = Severity.CRITICAL
ROUTES_IF_LOST: dict[str, Any] = {"routes": [{"to": ["chat"], "if_lost": ["call"]}]}


def test_a_finding_that_held_when_the_database_went_is_one_incident(
    own_postgres: PostgresServer, tmp_path: Path
) -> None:
    """What was told meanwhile is that incident's when the database is back; nothing is over."""
    world = World(with_tables(own_postgres.new_database()), tmp_path)
    world.hold_minutes = 2
    watcher = world.watcher()
    world.wrong = [found(WEB)]
    world.look(watcher, 0)
    own_postgres.stop()
    world.look(watcher, 3)
    own_postgres.start()
    world.look(watcher, 4)
    assert world.chat.kinds == ["opened"]
    (incident,) = incidents(world.office.store.engine, closed=True)
    assert (incident.is_open, incident.id) == (True, 1)


def test_what_got_worse_while_the_database_was_away_is_told_once(
    own_postgres: PostgresServer, tmp_path: Path
) -> None:
    """An incident that was there before goes on with what was told of it."""
    world = World(with_tables(own_postgres.new_database()), tmp_path)
    watcher = world.watcher()
    world.wrong = [found(WEB)]
    world.look(watcher, 0)
    own_postgres.stop()
    world.wrong = [found(WEB, severity=CRITICAL)]
    world.look(watcher, 1)
    own_postgres.start()
    world.look(watcher, 2)
    world.wrong = []
    world.look(watcher, 3)
    assert world.chat.kinds == ["opened", "worsened", "closed"]
    assert len(incidents(world.office.store.engine, closed=True)) == 1


def test_what_two_watchers_told_of_one_trouble_is_one_incident(
    own_postgres: PostgresServer, tmp_path: Path
) -> None:
    """One lost its way to the database, the other took over; the first brings nothing twice."""
    world = World(with_tables(own_postgres.new_database()), tmp_path)
    one, two = world.watcher("one"), world.watcher("two")
    world.look(one, 0)
    own_postgres.stop()
    world.wrong = [found(WEB)]
    world.look(one, 1)
    own_postgres.start()
    world.look(two, 4)
    for minute in (10, 11):
        world.look(one, minute)
    (incident,) = incidents(world.office.store.engine, closed=True)
    assert incident.is_open
    assert world.chat.kinds == ["opened", "opened"]


def test_a_spool_that_is_read_twice_doubles_nothing(
    own_postgres: PostgresServer, tmp_path: Path
) -> None:
    """Killed after the commit, before the file was removed."""
    world = World(with_tables(own_postgres.new_database()), tmp_path)
    watcher = world.watcher()
    world.look(watcher, 0)
    own_postgres.stop()
    world.wrong = [found(WEB)]
    world.look(watcher, 1)
    spool = tmp_path / "one.json"
    kept = spool.read_bytes()
    own_postgres.start()
    world.look(watcher, 2)
    assert not spool.exists()
    spool.write_bytes(kept)
    world.look(world.watcher(), 3)
    assert world.chat.kinds == ["opened"]
    assert world.office.states() == [("chat", "sent")]
    assert len(incidents(world.office.store.engine, closed=True)) == 1


def test_a_disk_that_is_full_keeps_nobody_from_being_told(
    own_postgres: PostgresServer, tmp_path: Path
) -> None:
    """What cannot be kept in the file is known to the watcher as long as it lives."""
    world = World(with_tables(own_postgres.new_database()), tmp_path / "no" / "room")
    (tmp_path / "no").write_text("a file where the folder should be", encoding="utf-8")
    watcher = world.watcher()
    world.look(watcher, 0)
    own_postgres.stop()
    world.wrong = [found(WEB)]
    for minute in (1, 2, 3):
        world.look(watcher, minute)
    own_postgres.start()
    world.look(watcher, 4)
    assert world.chat.kinds == ["opened"]
    assert world.office.states() == [("chat", "sent")]


def test_a_watcher_that_begins_while_another_one_writes_tells_nobody(
    own_postgres: PostgresServer, tmp_path: Path
) -> None:
    """That it must wait for long does not mean that the database is away."""
    world = World(with_tables(own_postgres.new_database()), tmp_path)
    world.wrong = [found(WEB)]
    world.look(world.watcher("one"), 0)
    with changing(world.office.store.engine):
        assert "timeout" in world.look(world.watcher("two"), 1).away
    assert world.chat.kinds == ["opened"]


def test_a_lost_channel_loses_no_alert_while_the_database_is_away(
    own_postgres: PostgresServer, tmp_path: Path
) -> None:
    """The route's next channel is told instead, once."""
    world = World(with_tables(own_postgres.new_database()), tmp_path, ROUTES_IF_LOST)
    world.office.channels["chat"] = Picky()
    watcher = world.watcher()
    world.look(watcher, 0)
    own_postgres.stop()
    world.wrong = [found(WEB)]
    for minute in (1, 5, 12, 14):
        world.look(watcher, minute)
    own_postgres.start()
    for minute in (15, 16, 40):
        world.look(watcher, minute)
    assert world.office.call.kinds == ["opened"]
