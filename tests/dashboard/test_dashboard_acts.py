"""Who may act, and that everything is written down."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from stationmaster.ledger.incidentmodels import incident, operator_action, silence
from tests.dashboard.served import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from tests.dashboard.served import Served

OPEN = 8
"""The made-up incident that nobody has acknowledged."""

PROXY = {
    "login": "proxy",
    "public_url": "http://127.0.0.1",
    "proxy_addresses": ("127.0.0.1",),
    "viewers": ("*",),
    "operators": ("on-call",),
}


def token_on(client: httpx.Client, path: str) -> str:
    """Return the token of a page's forms."""
    found = re.search(r'name="form_token" value="([0-9a-f]+)"', client.get(path).text)
    assert found, path
    return found[1]


def rows(served: Served, table: sa.Table) -> list[dict[str, Any]]:
    """Return a table's rows, by number."""
    return served.dashboard.source.rows(sa.select(table).order_by(table.c.id))


def state_of(served: Served, number: int) -> str:
    """Return an incident's state."""
    return str(next(row["state"] for row in rows(served, incident) if row["id"] == number))


def act(client: httpx.Client, act: str, number: int, **sent: str) -> httpx.Response:
    """Send a form as our page does."""
    sent = {"form_token": token_on(client, f"/incidents/{number}"), **sent}
    return client.post(f"/acts/{act}/{number}", data=sent)


def test_an_operator_acknowledges(served: Served) -> None:
    """The incident is acknowledged, and who did it stands in the ledger."""
    answer = act(served.visitor(), "acknowledge", OPEN, note="On it.")
    done = rows(served, operator_action)[-1]

    assert (answer.status_code, answer.headers["location"]) == (303, f"/incidents/{OPEN}?done=1")
    assert state_of(served, OPEN) == "acknowledged"
    assert (done["actor"], done["action"], done["target"]) == (
        "owner of this machine",
        "acknowledge",
        f"incident {OPEN}",
    )
    assert done["via"].startswith("dashboard")


def test_an_operator_silences_judges_comments_and_closes(served: Served) -> None:
    """Each act of the page reaches the incident, and each is one row."""
    client, before = served.visitor(), len(rows(served, operator_action))
    for name in ("silence", "comment", "judge-false-alarm", "close"):
        assert act(client, name, OPEN, note="Known.", hours="4").status_code == 303
    found = next(row for row in rows(served, incident) if row["id"] == OPEN)

    assert (found["state"], found["judged"]) == ("closed", "false-alarm")
    assert rows(served, silence)[-1]["matcher"] == {"incident": OPEN}
    assert len(rows(served, operator_action)) == before + 4


def test_an_operator_ends_a_silence(served: Served) -> None:
    """What was silenced for too long is heard again at once, by a button of the page."""
    client = served.visitor()
    act(client, "silence", OPEN, hours="24")
    page = client.get("/incidents").text
    (number,) = re.findall(r"/acts/unsilence/(\d+)", page)
    sent = {"form_token": token_on(client, "/incidents")}
    answer = client.post(f"/acts/unsilence/{number}", data=sent)
    (found,) = rows(served, silence)

    assert f"End the silence of incident {OPEN}" in page
    assert answer.headers["location"] == "/incidents?done=1"
    assert found["ends_at"] <= served.dashboard.source.now()


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_another_site_cannot_act_in_somebodys_name(served: Served, headers: dict[str, str]) -> None:
    """A form that another site sends is refused, even with the right token, and written down."""
    client = served.visitor()
    sent = {"form_token": token_on(client, f"/incidents/{OPEN}")}
    answer = client.post(f"/acts/close/{OPEN}", data=sent, headers=headers)

    assert answer.status_code == 403
    assert state_of(served, OPEN) == "open"
    assert "refused" in rows(served, operator_action)[-1]["document"]


def test_a_form_needs_its_token_and_its_browser(served: Served) -> None:
    """No token, a token of another browser, a token without its cookie: each is refused."""
    one, other = served.visitor(), served.visitor()
    stolen = token_on(other, f"/incidents/{OPEN}")
    one.get(f"/incidents/{OPEN}")
    answers = [one.post(f"/acts/close/{OPEN}", data={"form_token": t}) for t in ("", stolen, "0")]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert state_of(served, OPEN) == "open"


@pytest.fixture
def behind_proxy(sample_uri: str, tmp_path: Path) -> Iterator[Served]:
    """Serve the shop behind a proxy that says who people are."""
    with serving(sample_uri, tmp_path, settings=PROXY) as running:
        yield running


def test_a_viewer_reads_and_cannot_act(behind_proxy: Served) -> None:
    """A viewer sees no button; one who sends the form anyway is refused, and that is kept."""
    client = behind_proxy.stranger(**{"X-Forwarded-Email": "bob@example.org"})
    page = client.get(f"/incidents/{OPEN}").text
    answer = act(client, "close", OPEN)
    last = rows(behind_proxy, operator_action)[-1]

    assert "<textarea" not in page
    assert answer.status_code == 403
    assert state_of(behind_proxy, OPEN) == "open"
    assert (last["actor"], last["role"], last["action"]) == ("bob@example.org", "viewer", "close")
    assert "may only read" in last["document"]["refused"]


def test_nobody_cannot_act(served: Served) -> None:
    """Without a login nothing happens; that somebody tried is kept, once for many."""
    before = len(rows(served, operator_action))
    answers = [served.stranger().post(f"/acts/close/{OPEN}") for _ in range(5)]

    assert {answer.status_code for answer in answers} == {401}
    assert state_of(served, OPEN) == "open"
    assert len(rows(served, operator_action)) == before + 1


@pytest.mark.parametrize("hours", ["", "0", "-1", "1e3", "99999", "four", "²"])
def test_a_silence_has_a_sane_length(served: Served, hours: str) -> None:
    """What is no number of hours up to 30 days is refused in words."""
    answer = act(served.visitor(), "silence", OPEN, hours=hours)

    assert answer.status_code == 400
    assert "expected hours, 1 to 720" in answer.text
    assert rows(served, silence) == []


def test_what_is_not_there_is_said(served: Served) -> None:
    """An unknown act, an unknown incident, a closed one: a sentence, and no trace of a change."""
    client = served.visitor()

    assert act(client, "explode", OPEN).status_code == 400
    sent = {"form_token": token_on(client, f"/incidents/{OPEN}")}
    assert client.post("/acts/close/4711", data=sent).status_code == 404
    closed = act(client, "close", 1)
    assert (closed.status_code, "expected an open incident" in closed.text) == (400, True)


def test_a_form_is_small(served: Served) -> None:
    """Nobody fills the memory by a form."""
    sent = {"form_token": "x", "note": "y" * 100_000}

    assert served.visitor().post(f"/acts/comment/{OPEN}", data=sent).status_code == 400
