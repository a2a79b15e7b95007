"""The commands: what a stranger reads, and what a program does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.monitor_alerts.offices import Office
from tests.monitor_incidents.situations import REPORT, WEB, found

PROGRAM = Path(sys.executable).with_name("stationmaster")
ROUTES = """
alerts:
  channels:
    audit: {kind: file}
  otherwise: [audit]
"""


class Terminal:
    """Type commands in a home of one's own."""

    def __init__(self, home: Path, uri: str) -> None:
        self.home = home
        (home / "expected.yaml").write_text(ROUTES, encoding="utf-8")
        self._environment = {
            "PATH": "/usr/bin:/bin",
            "USER": "ann",
            "LOGNAME": "ann",
            "STATIONMASTER_HOME": str(home),
            "STATIONMASTER_LEDGER_URI": uri,
            "STATIONMASTER_MONITORING_FILE": str(home / "expected.yaml"),
        }

    def type(self, *words: str, code: int = 0) -> str:
        """Return what a command prints; errors too."""
        done = subprocess.run(
            [str(PROGRAM), *words],
            env=self._environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    def json(self, *words: str) -> Any:  # noqa: ANN401 (what a command prints)
        """Return what a command prints as JSON."""
        return json.loads(self.type(*words, "--json"))


@pytest.fixture
def terminal(local_uri: str, tmp_path: Path) -> Terminal:
    """Return a terminal at a ledger with one incident of two findings."""
    office = Office(local_uri, {"otherwise": ["log"]})
    office.look(found(WEB), found(REPORT))
    office.send(0)
    office.store.close()
    return Terminal(tmp_path, local_uri)


def test_a_list_says_what_is_wrong_and_what_to_do(terminal: Terminal) -> None:
    """And whether anybody looks at all."""
    text = terminal.type("incidents", "list")
    assert "#1    warning  open           web is late." in text
    assert "next: Look at web." in text
    assert "The watcher is silent" in text
    (incident,) = terminal.json("incidents", "list")["incidents"]
    assert (incident["incident"], incident["finding"]["check"]) == (1, "late")
    assert "runbook: stationmaster checks show late" in terminal.type("incidents", "show", "1")
    theirs = terminal.type("incidents", "list", "--owner", "finance")
    assert "Nothing that is told to finance is wrong" in theirs


def test_people_act_by_the_command_line(terminal: Terminal) -> None:
    """What they did stands in the incident's story, with their name."""
    terminal.type("incidents", "acknowledge", "1", "--note", "I call them.")
    terminal.type("incidents", "comment", "1", "They are on it.", "--as", "bob")
    said = terminal.type("incidents", "silence", "--check", "late", "--for", "4h", "--why", "known")
    assert "nobody is told of check late until" in said
    assert "Open, and silenced by it: #1." in said
    assert "check late, until" in terminal.type("incidents", "list", "--silences")
    terminal.type("incidents", "unsilence", "1")
    terminal.type("incidents", "judge", "1", "real")
    terminal.type("incidents", "close", "1")
    text = terminal.type("incidents", "show", "1")
    assert "acknowledged, ann: ann looks after it. I call them." in text
    assert "commented, bob: They are on it." in text
    kinds = [each["kind"] for each in terminal.json("incidents", "show", "1")["events"]]
    assert kinds[-2:] == ["judged", "closed"]


def test_a_mistake_says_what_was_expected(terminal: Terminal) -> None:
    """Unknown numbers, empty silences, times without a unit."""
    text = terminal.type("incidents", "show", "7", code=78)
    assert "UnknownIncidentError: incident 7" in text
    text = terminal.type("incidents", "silence", "--for", "4h", "--why", "x", code=78)
    assert "Say at least one of them" in text
    words = ("incidents", "silence", "1", "--for", "soon", "--why", "x")
    assert "a time such as 30m, 4h or 2d" in terminal.type(*words, code=78)
    assert "from 5 s to a day" in terminal.type("watch", "--every", "1s", code=78)
    assert "with its zone" in terminal.type("watch", "--at", "2011-11-22T06:40", code=78)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["incidents", "silence", "99"], 78, "the number of an incident"),
        (["incidents", "silence", "--check", "volum-off"], 78, "such as volume-off"),
        (["incidents", "silence", "--severity", "loud"], 78, "silence, severity"),
        (["incidents", "show", "99999999999999999999"], 2, "is not in the range"),
        (["incidents", "list", "--all", "--days", "999999999"], 2, "is not in the range"),
        (["metrics", "--port", "99999"], 2, "is not in the range"),
        (["checks", "run", "--check", "source-lat"], 78, "source-late is one like it"),
    ],
)
def test_what_is_typed_wrongly_is_told_and_does_nothing(
    terminal: Terminal, words: list[str], code: int, said: str
) -> None:
    """A silence of what is not there would let people believe that it is silenced."""
    more = ["--for", "4h", "--why", "x"] if "silence" in words else []
    assert said in " ".join(terminal.type(*words, *more, code=code).split())


def test_a_broken_file_keeps_nobody_from_acting(terminal: Terminal) -> None:
    """Whoever is called at night can say that he looks after it, and is told what is broken."""
    (terminal.home / "expected.yaml").write_text("alerts: {nothing: 1}", encoding="utf-8")
    text = terminal.type("incidents", "acknowledge", "1", "--as", "ann")
    assert "Incident 1: ann looks after it." in text
    assert "Nobody is told of what you do here" in text
    assert "expected.yaml, line 1" in terminal.type("incidents", "list")


def test_a_replay_that_is_refused_keeps_no_watcher_waiting(terminal: Terminal) -> None:
    """Its lease ends with it."""
    terminal.type("watch", "--once")
    terminal.type("watch", "--at", "2011-11-22T06:00+00:00", code=78)
    assert "Looked: " in terminal.type("watch", "--once")


def test_a_channel_is_tried(terminal: Terminal) -> None:
    """The try says that it is one; an unknown channel is refused with the known ones."""
    terminal.type("alerts", "test", "audit")
    (line,) = (terminal.home / "audit.jsonl").read_text(encoding="utf-8").splitlines()
    assert "nothing is wrong" in json.loads(line)["what"]
    assert "one of audit, log" in terminal.type("alerts", "test", "pager", code=78)


def test_the_outbox_and_the_measures_are_shown(terminal: Terminal) -> None:
    """What was sent, and how good the alerts are."""
    assert "No message is waiting." in terminal.type("alerts", "outbox")
    (message,) = terminal.json("alerts", "outbox", "--state", "sent")
    assert message["channel"] == "log"
    assert terminal.json("alerts", "stats", "--days", "36500")["told"] == 1
    assert "1 incident in 36500 days" in terminal.type("alerts", "stats", "--days", "36500")


@pytest.mark.parametrize(
    ("form", "said"), [("text", "Where:"), ("chat", "**Where**"), ("mail", "<h1>Warning: web")]
)
def test_an_alert_is_previewed(terminal: Terminal, form: str, said: str) -> None:
    """As the channel would get it."""
    assert said in terminal.type("alerts", "preview", "1", "--format", form)


def test_a_broken_file_of_routes_is_named_with_its_line(terminal: Terminal) -> None:
    """Before anything is looked at."""
    wrong = ROUTES.replace("otherwise: [audit]", "otherwise: [chat]")
    (terminal.home / "expected.yaml").write_text(wrong, encoding="utf-8")
    text = terminal.type("watch", "--once", code=78)
    assert "expected.yaml, line 2, alerts" in text
    assert "`otherwise` names the channel `chat`" in text
