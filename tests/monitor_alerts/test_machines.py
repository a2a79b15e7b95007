"""Channels that hold incidents themselves, and alerting's own checks."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import apprise
import pytest

from stationmaster.monitor.alerts.alertmanager import AlertmanagerChannel
from stationmaster.monitor.alerts.apprisechannel import AppriseChannel
from stationmaster.monitor.alerts.channels import Batch, ChannelError, FileChannel
from stationmaster.monitor.alerts.checks import channel_lost, check_blind
from stationmaster.monitor.alerts.outbox import Lost
from stationmaster.monitor.alerts.routing import Channel
from stationmaster.monitor.facts.alerting import GivenAlerting
from stationmaster.monitor.facts.facts import Facts
from stationmaster.monitor.incidents.reading import CheckStateRow
from tests.monitor_alerts.offices import LONDON, Office
from tests.monitor_alerts.test_wording import a_message
from tests.monitor_incidents.situations import MINUTE, NOW, WEB, found

if TYPE_CHECKING:
    from pathlib import Path

    from tests.monitor_alerts.receivers import WebReceiver


def test_alertmanager_is_told_what_is_open_and_what_is_over(uri: str, web: WebReceiver) -> None:
    """It forgets, so it is told again at each pass; what is over ends, and is not told again."""
    clock = [NOW]
    channel = AlertmanagerChannel(f"http://127.0.0.1:{web.port}", lambda: clock[0])
    office = Office(uri, {"otherwise": ["chat"]}, {"chat": channel})
    office.look(found(WEB))
    office.send(0)
    office.send(1)
    office.look(minute=2)
    clock[0] = NOW + 2 * MINUTE
    office.send(2)
    office.send(3)
    assert [path for path, _, _ in web.taken] == ["/api/v2/alerts"] * 4
    first, _, _, last = [each[0] for each in web.documents]
    assert first["labels"] == last["labels"]
    assert first["labels"]["source"] == "stationmaster"
    assert first["annotations"]["next_action"] == "Look at web."
    assert first["endsAt"] == (NOW + 15 * MINUTE).isoformat()
    assert last["endsAt"] == (NOW + 2 * MINUTE).isoformat()


def test_an_alertmanager_that_is_away_says_so(web: WebReceiver) -> None:
    """As every channel does."""
    web.status = 503
    channel = AlertmanagerChannel(f"http://127.0.0.1:{web.port}")
    with pytest.raises(ChannelError, match="503"):
        channel.deliver(Batch(messages=(a_message(),), key="1", zone=LONDON))


@pytest.mark.parametrize(
    ("url", "field"),
    [
        ("pagerduty://A1BRTD4JD@TIiajkdnlazkcOXrIdevi7FQ/node01/drive_sda", "dedup"),
        ("opsgenie://a6k4ABnck26hDh8AA3EDHoOVdDEUlw3nty", "alias"),
    ],
)
def test_a_service_that_holds_incidents_knows_ours_again(
    tmp_path: Path, url: str, field: str
) -> None:
    """It gets each incident by itself, under the incident's own name."""
    (tmp_path / "pager").write_text(url, encoding="utf-8")
    described = Channel.model_validate({"kind": "apprise", "secret": "pager"})
    channel = AppriseChannel(described, tmp_path)
    assert not channel.groups
    service = apprise.Apprise.instantiate(url)
    channel.identify(service, Batch(messages=(a_message(),), key="1", zone=LONDON))
    assert getattr(service, field) == "u12"


def test_a_secret_that_cannot_be_used_is_named_without_its_text(tmp_path: Path) -> None:
    """The file is named, not what it holds."""
    described = Channel.model_validate({"kind": "apprise", "secret": "chat"})
    channel = AppriseChannel(described, tmp_path)
    batch = Batch(messages=(a_message(),), key="1", zone=LONDON)
    with pytest.raises(ChannelError, match="cannot be read: chat"):
        channel.deliver(batch)
    (tmp_path / "chat").write_text("nonsense://hunter2", encoding="utf-8")
    with pytest.raises(ChannelError, match="holds no URL that apprise knows") as caught:
        channel.deliver(batch)
    assert "hunter2" not in str(caught.value)


def test_a_file_gets_one_document_a_message(tmp_path: Path) -> None:
    """With the key by which a reader drops what it has had."""
    channel = FileChannel(tmp_path / "deep" / "alerts.jsonl")
    channel.deliver(Batch(messages=(a_message(), a_message()), key="7:audit", zone=LONDON))
    lines = (tmp_path / "deep" / "alerts.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["key"] for line in lines] == ["7:audit"] * 2


def facts(alerting: GivenAlerting) -> Facts:
    """Return facts of alerting alone."""
    return Facts(now=NOW, parts={"alerting": lambda: alerting})


def test_a_lost_channel_is_an_incident_of_its_own() -> None:
    """As severe as the worst that it has not taken; it says how to try it."""
    lost = Lost(
        channel="chat",
        messages=3,
        since=NOW - dt.timedelta(hours=2),
        severity="critical",
        error="Slack did not take it: error=404",
        given_up=0,
    )
    (finding,) = channel_lost.look(facts(GivenAlerting(lost=[lost])))
    assert finding.severity == "critical"
    assert "takes no alerts: 3 messages since 2 h 00 min" in finding.what
    assert "stationmaster alerts test chat" in finding.next_action
    assert list(channel_lost.look(facts(GivenAlerting()))) == []


def test_a_check_that_cannot_look_for_half_an_hour_is_told() -> None:
    """Not before, and not where what it looks at does not exist here."""

    def state(name: str, minutes: float, outcome: str = "unknown") -> CheckStateRow:
        return CheckStateRow(
            check_name=name,
            looked_at=NOW,
            answered_at=NOW - minutes * MINUTE,
            outcome=outcome,
            why="it does not answer",
            findings=0,
            seconds=0.1,
        )

    states = [state("late", 31), state("slow", 29), state("pods", 99, "not-here")]
    (finding,) = check_blind.look(facts(GivenAlerting(states=states)))
    assert "1 check cannot look: late." in finding.what
    assert finding.since == NOW - 31 * MINUTE
