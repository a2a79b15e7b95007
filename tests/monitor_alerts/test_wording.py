"""What an alert says, and how it looks as text, chat and mail."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

import pytest

from stationmaster.monitor.alerts.apprisechannel import AppriseChannel
from stationmaster.monitor.alerts.channels import Batch
from stationmaster.monitor.alerts.message import Message
from stationmaster.monitor.alerts.rendering import rendered
from stationmaster.monitor.alerts.routing import Channel
from stationmaster.monitor.alerts.wording import lasting
from tests.monitor_alerts.offices import LONDON
from tests.monitor_incidents.situations import DAY, NOW

if TYPE_CHECKING:
    from pathlib import Path

    from tests.monitor_alerts.receivers import MailServer

HOME = "https://monitor.example.com"


def a_message(**fields: Any) -> Message:  # noqa: ANN401 (Message's fields)
    """Return a message about a source that is late."""
    known: dict[str, Any] = {
        "kind": "opened",
        "at": NOW + dt.timedelta(minutes=10),
        "incident_id": 12,
        "uid": "u12",
        "severity": "critical",
        "layer": "business",
        "owner": "analytics",
        "check": "source-late",
        "cause": "source-late source:web 2011-11-21",
        "what": "Web has not delivered; it was due at 06:30.",
        "where": "source web",
        "since": NOW,
        "opened_at": NOW,
        "business_date": DAY,
        "affected": ("management", "finance"),
        "next_action": "Ask web's team.",
        "url": f"{HOME}/incidents/12",
        "acknowledge_url": f"{HOME}/incidents/12#acknowledge",
        "runbook": f"{HOME}/runbooks/source-late",
    }
    return Message.model_validate(known | fields)


def test_an_alert_says_what_where_since_when_who_and_what_next() -> None:
    """And nothing else."""
    text = rendered([a_message(more=2)], "text", LONDON)
    assert text.title == "Critical: Web has not delivered; it was due at 06:30. (#12)"
    assert text.body.splitlines() == [
        "Where:        source web",
        "Since:        Tue 22 Nov 06:40 GMT (10 min), data of Mon 21 Nov",
        "Affected:     management, finance",
        "With it:      2 more that come of the same cause",
        "Next:         Ask web's team.",
        f"Incident #12: {HOME}/incidents/12",
        f"Acknowledge:  {HOME}/incidents/12#acknowledge",
        f"Runbook:      {HOME}/runbooks/source-late",
    ]


def test_what_is_over_says_how_long_it_was() -> None:
    """Nothing is to be done, and nothing to be acknowledged."""
    text = rendered([a_message(kind="closed", acknowledge_url="")], "text", LONDON)
    assert text.title.startswith("Over: Web has not delivered")
    assert "10 min, from Tue 22 Nov 06:40 GMT to Tue 22 Nov 06:50 GMT" in text.body
    assert "Nothing to do." in text.body
    assert "Acknowledge" not in text.body


def test_what_is_foretold_says_that_it_has_not_happened() -> None:
    """A forecast is not an outage."""
    text = rendered([a_message(foretold=True)], "text", LONDON)
    assert "It has not happened yet" in text.body


HOSTILE = "<script>alert(1)</script> [click](https://evil.example) **bold** <!channel> @everyone"


def hostile_message() -> Message:
    """Return a message whose every text wants to be more than a text."""
    link = ("Log", "javascript:alert(1)")
    return a_message(what=HOSTILE, where=HOSTILE, next_action=HOSTILE, links=(link,))


@pytest.mark.parametrize("number", [1, 2])
def test_hostile_texts_stay_texts_in_mails(number: int) -> None:
    """A step's error writes no tag and no script into a mail."""
    body = rendered([hostile_message()] * number, "html", LONDON).body
    assert "&lt;script&gt;" in body
    assert "<script" not in body
    assert "javascript:" not in body


@pytest.mark.parametrize("number", [1, 2])
def test_hostile_texts_stay_texts_in_chats(number: int) -> None:
    """It writes no link, no heading, and calls no room."""
    text = rendered([hostile_message()] * number, "markdown", LONDON)
    assert re.search(r"(?<!\\)\[click\]", text.body) is None
    assert "javascript:" not in text.body
    for said in (text.title, text.body):
        assert "<" not in said
        assert "@everyone" not in said


def test_many_incidents_are_one_message_with_the_worst_first() -> None:
    """Twelve are named, the others counted."""
    many = [a_message(incident_id=n, severity="warning") for n in range(1, 15)]
    text = rendered([*many, a_message(incident_id=99)], "text", LONDON)
    assert text.title == "15 incidents, 1 of them critical"
    assert text.body.splitlines()[0].startswith("- Critical: ")
    assert text.body.rstrip().endswith("and 3 more.")
    mail = rendered([*many, a_message(incident_id=99)], "html", LONDON)
    assert mail.title.startswith("15 incidents, 1 of them critical: Web has not delivered")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(40, "40 s"), (1500, "25 min"), (11100, "3 h 05 min"), (187200, "2 days 4 h"), (-5, "0 s")],
)
def test_times_are_said_as_people_say_them(seconds: int, words: str) -> None:
    """Short, and never negative."""
    assert lasting(NOW, NOW + dt.timedelta(seconds=seconds)) == words


def test_a_mail_has_both_html_and_text_and_one_thread_an_incident(
    tmp_path: Path, mail: MailServer
) -> None:
    """A real mail server gets it: subject, both bodies, what keeps a thread together."""
    url = f"mailto://127.0.0.1:{mail.port}/team@example.com?from=monitor@example.com"
    (tmp_path / "mail").write_text(url, encoding="utf-8")
    described = Channel.model_validate({"kind": "apprise", "secret": "mail"})
    channel = AppriseChannel(described, tmp_path)
    for kind in ("opened", "closed"):
        channel.deliver(Batch(messages=(a_message(kind=kind),), key=kind, zone=LONDON))
    first, second = mail.mails
    assert first["Subject"] == "Critical: Web has not delivered; it was due at 06:30. (#12)"
    assert first["Auto-Submitted"] == "auto-generated"
    assert first["References"] == second["References"] == "<u12@stationmaster>"
    html, text = (first.get_body((kind,)) for kind in ("html", "plain"))
    assert html is not None
    assert text is not None
    assert f'href="{HOME}/incidents/12#acknowledge"' in html.get_content()
    words = re.sub(r"\s+", " ", text.get_content())
    assert "Next Ask web's team." in words
    assert "color-scheme" not in words
