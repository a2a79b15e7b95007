"""The watcher: one looks at a time, whatever dies in between, and a dead database is told once."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from stationmaster.monitor.checks.finding import Severity
from stationmaster.monitor.incidents.reading import events_of, incidents, lease
from stationmaster.monitor.incidents.store import IncidentStore
from tests.databases import with_tables
from tests.monitor_alerts.watch_command import watch_command
from tests.monitor_alerts.worlds import World
from tests.monitor_incidents.situations import DATABASE, REPORT, WEB, found

if TYPE_CHECKING:
    from tests.monitor_alerts.receivers import WebReceiver
    from tests.postgres_server import PostgresServer

ROOT = Path(__file__).parents[2]
DOWN = found(DATABASE, what="The ledger's database does not answer.", business_date=None)
DOWN = DOWN.model_copy(update={"severity": Severity.CRITICAL})


def test_two_watchers_at_once_double_nothing(uri: str, tmp_path: Path) -> None:
    """One incident, one message, whoever looks; the other one waits for the lease."""
    world = World(uri, tmp_path)
    world.wrong = [found(WEB), found(REPORT)]
    turns: list[str] = []

    def live(name: str) -> None:
        watcher = world.watcher(name)
        turns.extend(world.look(watcher, number / 10).holder for number in range(4))

    threads = [threading.Thread(target=live, args=[name]) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(turns) == 8
    assert len(set(turns)) == 1
    assert len(incidents(world.office.store.engine)) == 1
    assert world.chat.kinds == ["opened"]


def test_another_watcher_takes_over_when_the_lease_is_over(uri: str, tmp_path: Path) -> None:
    """What the first one opened, the second one closes."""
    world = World(uri, tmp_path)
    one, two = world.watcher("one"), world.watcher("two")
    world.wrong = [found(WEB)]
    world.look(one, 0)
    assert world.look(two, 2).look is None
    world.wrong = []
    assert world.look(two, 4).holder == "two"
    assert world.chat.kinds == ["opened", "closed"]
    assert world.look(one, 5).look is None


def test_a_watcher_that_ends_lets_the_next_one_look_at_once(uri: str, tmp_path: Path) -> None:
    """An upgrade leaves no gap of a lease's length."""
    world = World(uri, tmp_path)
    one, two = world.watcher("one"), world.watcher("two")
    held = world.look(one, 0).look
    assert held is not None
    one.give_back(held.at)
    assert world.look(two, 0.1).holder == "two"


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from tests.monitor_alerts.worlds import World
    from tests.monitor_incidents.situations import WEB, found

    class Deadly:
        groups = True
        def deliver(self, batch):
            os.kill(os.getpid(), signal.SIGKILL)
        def refresh(self, messages):
            pass

    world = World(sys.argv[1], Path(sys.argv[2]))
    world.office.channels["chat"] = Deadly()
    world.wrong = [found(WEB)]
    world.look(world.watcher("one"), 0)
"""


def test_a_watcher_that_is_killed_before_it_sends_loses_nothing(uri: str, tmp_path: Path) -> None:
    """Kill -9 between the commit and the message: the next watcher sends it, once."""
    command = [sys.executable, "-c", textwrap.dedent(KILLED), uri, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True)
    assert done.returncode == -9
    world = World(uri, tmp_path)
    world.wrong = [found(WEB)]
    two = world.watcher("two")
    for minute in (4, 5, 6):
        world.look(two, minute)
    assert world.chat.kinds == ["opened"]
    assert world.office.states() == [("chat", "sent")]


def test_a_dead_database_is_told_once_and_becomes_an_incident_when_it_is_back(
    own_postgres: PostgresServer, tmp_path: Path
) -> None:
    """Also by a watcher that is started again meanwhile; when it is over, that is told too."""
    uri = with_tables(own_postgres.new_database())
    world = World(uri, tmp_path)
    watcher = world.watcher()
    world.look(watcher, 0)
    own_postgres.stop()
    world.wrong = [DOWN, found(REPORT)]
    assert world.look(watcher, 1).away
    again = world.watcher()
    world.look(again, 2)
    assert world.chat.kinds == ["opened"]
    own_postgres.start()
    world.wrong = []
    assert world.look(again, 3).away == ""
    assert world.chat.kinds == ["opened", "closed"]
    (incident,) = incidents(world.office.store.engine, closed=True)
    assert incident.title == "The ledger's database does not answer."
    kinds = [each.kind for each in events_of(world.office.store.engine, incident.id)]
    assert kinds == ["opened", "closed"]
    assert world.office.states() == [("chat", "sent"), ("chat", "sent")]


def test_a_database_that_accepts_and_never_answers_stops_no_watcher(
    own_postgres: PostgresServer, tmp_path: Path
) -> None:
    """Its driver would wait for ever."""
    uri = with_tables(own_postgres.new_database())
    world = World(uri, tmp_path)
    watcher = world.watcher(answer_seconds=2.0)
    world.look(watcher, 0)
    world.wrong = [DOWN]
    with own_postgres.frozen():
        assert "did not return within 2 s" in world.look(watcher, 1).away
        assert world.chat.kinds == ["opened"]


def test_who_did_not_watch_stays_silent_while_the_database_is_away(
    own_postgres: PostgresServer, tmp_path: Path
) -> None:
    """Of two watchers one tells, not both."""
    uri = with_tables(own_postgres.new_database())
    world = World(uri, tmp_path)
    one, two = world.watcher("one"), world.watcher("two")
    world.look(one, 0)
    world.look(two, 1)
    own_postgres.stop()
    world.wrong = [DOWN]
    world.look(two, 2)
    assert world.chat.kinds == []
    world.look(one, 2)
    own_postgres.start()
    assert world.chat.kinds == ["opened"]


def test_the_command_looks_until_it_is_asked_to_stop(
    local_uri: str, tmp_path: Path, web: WebReceiver
) -> None:
    """SIGTERM ends it cleanly, and its lease with it."""
    del web
    with watch_command(tmp_path, {"STATIONMASTER_LEDGER_URI": local_uri}) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if "Looked: " in line:
                break
        running.terminate()
        rest = running.stderr.read()
    assert running.returncode == 0
    assert "Stopped" in rest
    with IncidentStore.open(local_uri) as store:
        held = lease(store.engine)
    assert held is not None
    assert held.until.timestamp() <= time.time()
