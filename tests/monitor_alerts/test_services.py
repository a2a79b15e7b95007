"""What is sent to Slack, Teams, PagerDuty and Opsgenie is what they take, however long it is."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import pytest
from apprise.plugins import opsgenie, pagerduty
from apprise.plugins.slack import NotifySlack
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.monitor.alerts.apprisechannel import AppriseChannel
from stationmaster.monitor.alerts.channels import Batch, ChannelError
from stationmaster.monitor.alerts.fitting import cut
from stationmaster.monitor.alerts.routing import Channel
from tests.chart.certificates import certify
from tests.monitor_alerts.offices import LONDON
from tests.monitor_alerts.receivers import WebReceiver
from tests.monitor_alerts.services import (
    judge_opsgenie,
    judge_pagerduty,
    judge_slack,
    judge_teams,
)
from tests.monitor_alerts.test_wording import HOME, a_message

if TYPE_CHECKING:
    from pathlib import Path

    from stationmaster.monitor.alerts.message import Message

URL = f"{HOME}/incidents/12"
LONG = "The file of the 21st has a column that nobody knows — Ünïcode, too. "
SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7"
PAGER = "pagerduty://R1BRTD4JD00000000000000000000000@TIiajkdnlazkcOXrIdevi7FQ/watcher/etl"
GENIE = "opsgenie://a6k4ABnck26hDh8AA3EDHoOVdDEUlw3nty?action=map"


def long_message(**fields: Any) -> Message:  # noqa: ANN401 (Message's fields)
    """Return a message that is longer than any service takes."""
    known: dict[str, Any] = {
        "what": LONG * 20,
        "next_action": LONG * 600,
        "affected": tuple(f"the team that reads report {n}" for n in range(99)),
        "url": URL,
    }
    return a_message(**(known | fields))


def delivered(tmp_path: Path, url: str, *messages: Message) -> None:
    """Send messages as one through a service's channel."""
    (tmp_path / "service").write_text(url, "utf-8")
    channel = AppriseChannel(Channel(kind="apprise", secret="service"), tmp_path)  # noqa: S106 (a file's name)
    channel.deliver(Batch(messages=messages, key="1", zone=LONDON))


@pytest.fixture
def local(web: WebReceiver, monkeypatch: pytest.MonkeyPatch) -> WebReceiver:
    """Return a web server that stands where the services are."""
    here = f"http://127.0.0.1:{web.port}"
    monkeypatch.setattr(NotifySlack, "webhook_url", f"{here}/slack")
    monkeypatch.setitem(pagerduty.PAGERDUTY_API_LOOKUP, "us", f"{here}/pagerduty")
    monkeypatch.setitem(opsgenie.OPSGENIE_API_LOOKUP, "us", f"{here}/opsgenie")
    for service in (NotifySlack, pagerduty.NotifyPagerDuty, opsgenie.NotifyOpsgenie):
        monkeypatch.setattr(service, "request_rate_per_sec", 0)
    web.answer = b"ok"
    return web


@pytest.mark.parametrize("url", [SLACK, f"{SLACK}?blocks=yes"])
@pytest.mark.parametrize("form", ["auto", "markdown", "text"])
def test_slack_takes_it(local: WebReceiver, tmp_path: Path, url: str, form: str) -> None:
    """As an attachment and as blocks, one message, many, and ones that are far too long."""
    (tmp_path / "slack").write_text(url, "utf-8")
    described = Channel.model_validate({"kind": "apprise", "secret": "slack", "format": form})
    channel = AppriseChannel(described, tmp_path)
    for messages in ((a_message(),), (long_message(),), (long_message(),) * 40):
        channel.deliver(Batch(messages=messages, key="1", zone=LONDON))

    for document in local.documents:
        judge_slack(document)
    assert len(local.documents) == 3
    assert URL in str(local.documents[1])


def test_what_a_service_answers_is_in_the_error(local: WebReceiver, tmp_path: Path) -> None:
    """A webhook that was removed says 404, and whoever looks after the channel reads that."""
    local.status = 404
    with pytest.raises(ChannelError, match=r"Slack did not take it: .*error=404"):
        delivered(tmp_path, SLACK, a_message())


def test_pagerduty_takes_it_and_knows_the_incident_again(
    local: WebReceiver, tmp_path: Path
) -> None:
    """A summary of one line; where, since when, who and what to do beside it; an end resolves."""
    delivered(tmp_path, PAGER, long_message())
    delivered(tmp_path, PAGER, long_message(kind="closed"))
    opened, closed = local.documents

    judge_pagerduty(opened)
    judge_pagerduty(closed)
    assert opened["payload"]["summary"].startswith("Critical: The file of the 21st")
    assert {"Where", "Since", "Affected", "Next"} <= opened["payload"]["custom_details"].keys()
    assert opened["links"] == [{"href": URL}]
    assert (closed["event_action"], closed["dedup_key"]) == ("resolve", opened["dedup_key"])


def test_opsgenie_takes_it(local: WebReceiver, tmp_path: Path) -> None:
    """Its message is a line that ends at a word; the rest is in the description, or linked."""
    local.answer = b'{"requestId": "43a29c5c-3dbf-4fa4-9c26-f4f71023e120"}'
    delivered(tmp_path, GENIE, long_message())
    (document,) = local.documents

    judge_opsgenie(document)
    assert document["alias"] == "u12"
    assert document["message"].endswith("…")
    assert document["description"].endswith(f"The rest: {URL}")


def test_teams_takes_it(tmp_path: Path) -> None:
    """A card below 28 KB, whatever letters it has."""
    for name, text in certify("127.0.0.1").items():
        (tmp_path / name).write_text(text, "utf-8")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")
    receiver = WebReceiver(tls=context)
    url = f"workflows://127.0.0.1:{receiver.port}/643e69f83c8944/signature?verify=no"
    for messages in ((a_message(),), (long_message(),), (long_message(),) * 40):
        delivered(tmp_path, url, *messages)
    receiver.stop()

    for document in receiver.documents:
        judge_teams(document)
    assert f"The rest: {URL}" in str(receiver.documents[1])


@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=400),
    most=st.integers(min_value=5, max_value=200),
    rest=st.sampled_from(["", "The rest: https://monitor.example.com/incidents/12"]),
)
def test_a_cut_text_fits_and_is_what_it_was(text: str, most: int, rest: str) -> None:
    """Whatever the text: never longer than asked for, and unchanged where it fits."""
    found = cut(text, most, rest)

    assert len(found) <= most
    assert found == text if len(text) <= most else "…" in found


def test_a_text_is_cut_after_a_sentence() -> None:
    """What is left is whole sentences, and where the rest is."""
    text = "One file is missing. Another one is broken. A third one is late, as it often is."

    assert (
        cut(text, 70, "The rest: x") == "One file is missing. Another one is broken.\n… The rest: x"
    )
