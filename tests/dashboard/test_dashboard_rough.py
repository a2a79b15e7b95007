"""What nobody sends by a page of ours: numbers, letters and headers that break things elsewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
import pytest

from stationmaster.ledger.incidentmodels import operator_action
from stationmaster.monitor.dashboard.runbooks import Runbooks
from stationmaster.monitor.dashboard.sample.making import fill_sample
from tests.dashboard.served import Served, serving
from tests.dashboard.test_dashboard_acts import OPEN, act, rows, token_on

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HUGE = "99999999999999999999999999"


@pytest.fixture
def on_postgres(postgres_uri: str, tmp_path: Path) -> Iterator[Served]:
    """Serve the made-up shop out of a real Postgres."""
    fill_sample(postgres_uri)
    with serving(postgres_uri, tmp_path) as running:
        yield running


@pytest.mark.parametrize(
    "path",
    [
        f"/incidents/{HUGE}",
        "/incidents/-1",
        "/incidents?page=%00",
        "/engineering/pipeline?pipeline=%00",
        "/engineering/step?pipeline=a%00&step=%00",
        f"/engineering/run?pipeline=p&run={HUGE}%00",
        "/engineering/findings?check=%00%ff%fe",
        f"/engineering/cost?days={HUGE}",
        "/runbooks/%00",
        "/runbooks/..%2f..%2fetc%2fpasswd",
        "/static/..%2f..%2fguards.py",
        f"/parts/{HUGE}/{HUGE}",
    ],
)
def test_an_odd_address_is_an_answer_and_no_accident(on_postgres: Served, path: str) -> None:
    """What is not there is said so, with the headers of every answer."""
    answer = on_postgres.visitor().get(path)
    assert answer.status_code < 500, answer.text[:300]
    assert "frame-ancestors" in answer.headers["content-security-policy"]
    assert "def __call__" not in answer.text


def test_an_odd_form_is_an_answer_and_no_accident(on_postgres: Served) -> None:
    """A note with a letter that Postgres cannot hold, too many fields, a number too large."""
    client = on_postgres.visitor()
    assert act(client, "comment", OPEN, note="a\0b").status_code == 303
    sentences = [row["document"] for row in rows(on_postgres, operator_action)]
    assert sentences[-1] == {"sentence": "ab"}
    many = {f"field{number}": "x" for number in range(60)}
    token = token_on(client, f"/incidents/{OPEN}")
    told = {"form_token": token}
    assert client.post(f"/acts/comment/{OPEN}", data=many | told).status_code == 400
    assert client.post(f"/acts/comment/{HUGE}", data=told).status_code in {400, 404}
    assert client.post(f"/acts/unsilence/{HUGE}", data=told).status_code in {400, 404}


@pytest.mark.parametrize("host", ["[", "127.0.0.1@evil.example", "evil.example", "a:b:c", ""])
def test_an_odd_host_is_refused(served: Served, host: str) -> None:
    """Also one that is none."""
    answer = served.stranger().get("/", headers={"host": host})
    assert answer.status_code in {400, 421}
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "origin", ["http://[", "null", "http://127.0.0.1", "//", "http://e.example"]
)
def test_an_odd_origin_acts_for_nobody(served: Served, origin: str) -> None:
    """Only our own address is ours, with its port."""
    client = served.visitor()
    sent = {"form_token": token_on(client, f"/incidents/{OPEN}")}
    answer = client.post(f"/acts/close/{OPEN}", data=sent, headers={"origin": origin})
    assert answer.status_code == 403


def test_the_token_is_in_no_log_and_no_page(
    served: Served, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whoever reads the output of the server, or looks over a shoulder, cannot come in."""
    token = served.link.rpartition("=")[2]
    client = served.visitor()
    pages = [client.get(path) for path in ("/", "/engineering", "/engineering/actions")]
    written = "".join(capfd.readouterr())
    assert token not in written
    assert all(token not in page.text and token not in str(page.url) for page in pages)


def test_a_session_of_another_dashboard_is_none(
    served: Served, sample_uri: str, tmp_path: Path
) -> None:
    """Each has its own key, where no secret file gives them one."""
    cookies = served.visitor().cookies
    with serving(sample_uri, tmp_path) as other:
        known = httpx.Client(base_url=other.url, cookies=dict(cookies))
        assert known.get("/").status_code == 303


def test_links_of_a_runbook_lead_somewhere(served: Served) -> None:
    """To another runbook here; to no file that the dashboard does not have."""
    client = served.visitor()
    for name in served.dashboard.runbooks.names():
        page = client.get(f"/runbooks/{name}").text
        article = page[page.index("<article") : page.index("</article>")]
        for href in re.findall(r'href="([^"]+)"', article):
            if not href.startswith("https://"):
                assert client.get(f"/runbooks/{href}").status_code == 200, (name, href)


def test_pages_of_ones_own_checks_stand_beside_ours(tmp_path: Path) -> None:
    """A folder of one's own hides none that came along, and goes before them."""
    (tmp_path / "few-returns.md").write_text("# few-returns\nAsk the carrier.", encoding="utf-8")
    (tmp_path / "run-late.md").write_text("# run-late\nCall Ann.", encoding="utf-8")
    runbooks = Runbooks(tmp_path)
    assert {"few-returns", "run-late", "source-late"} <= set(runbooks.names())
    assert "Ask the carrier." in str(runbooks.page("few-returns"))
    assert "Call Ann." in str(runbooks.page("run-late"))
    assert "Ask the contact" in str(runbooks.page("source-late"))
