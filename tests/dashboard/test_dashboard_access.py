"""Who may see: nobody without a login, and no login by a trick."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response

from stationmaster.monitor.dashboard.access.doors import TokenDoor
from stationmaster.monitor.dashboard.access.forms import safe_path
from stationmaster.monitor.dashboard.access.people import Person, role_of
from stationmaster.monitor.dashboard.access.sessions import SESSION_COOKIE, Sessions
from stationmaster.monitor.dashboard.commands import dashboard
from stationmaster.monitor.dashboard.pages.showing import PAGES
from stationmaster.monitor.dashboard.serving import app
from stationmaster.monitor.incidents.operators import Role
from stationmaster.step.errors import MisconfiguredError
from tests.dashboard.served import serving

if TYPE_CHECKING:
    from pathlib import Path

    from tests.dashboard.served import Served

PATHS = [page.path.replace("{number}", "7").replace("{name}", "step-failed") for page in PAGES]
ADA = Person("ada@example.org", Role.VIEWER, "proxy")
PROXY = {
    "login": "proxy",
    "public_url": "http://127.0.0.1",
    "proxy_addresses": ("127.0.0.1/32",),
    "viewers": ("data-team",),
    "operators": ("on-call",),
}


@pytest.mark.parametrize("path", PATHS)
def test_a_page_asks_for_a_login_and_says_nothing_else(served: Served, path: str) -> None:
    """Without a login each page leads to the login, with the way back."""
    answer = served.stranger().get(path)

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login?next=%2F")
    assert answer.text == ""


@pytest.mark.parametrize("path", ["/parts/0/1", "/parts/1/2", "/live"])
def test_parts_and_news_are_refused_without_a_login(served: Served, path: str) -> None:
    """What a page fetches by itself needs the login too."""
    answer = served.stranger().get(path)

    assert answer.status_code == 401
    assert "finance" not in answer.text


def test_only_the_printed_token_lets_in(served: Served) -> None:
    """Another token is refused; the right one begins a session that scripts cannot read."""
    client = served.stranger()
    refused = client.get("/login?token=guessed")
    let_in = client.get(served.link)

    assert (refused.status_code, refused.headers.get("set-cookie")) == (403, None)
    assert (let_in.status_code, let_in.headers["location"]) == (303, "/")
    cookie = let_in.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert client.get("/").status_code == 200


def test_a_token_can_be_pasted(served: Served) -> None:
    """Whoever has the token without the link gets in by the form."""
    token = served.link.partition("token=")[2]
    answer = served.stranger().post("/login", data={"token": token, "next": "/incidents"})

    assert answer.headers["location"] == "/incidents"


def test_a_session_ends_by_itself_and_cannot_be_made_up() -> None:
    """A session that is over, and one that somebody changed, are nobody's."""
    for hours, change in ((-1.0, ""), (1.0, "x")):
        sessions, answer = Sessions(b"k" * 32, hours), Response()
        sessions.begin(answer, ADA)
        value = answer.headers["set-cookie"].split(";")[0].partition("=")[2]
        cookie = f"{SESSION_COOKIE}={change}{value}".encode()
        assert sessions.person(Request({"type": "http", "headers": [(b"cookie", cookie)]})) is None


def test_a_session_goes_over_https_only_where_people_come_by_https() -> None:
    """Behind TLS the cookie is never sent without it."""
    answer = Response()
    Sessions(b"k" * 32, 1.0, encrypted=True).begin(answer, ADA)

    assert "; Secure" in answer.headers["set-cookie"]


@given(st.text(max_size=30))
def test_a_login_leads_to_no_other_site(wanted: str) -> None:
    """Whatever is asked for, what one is sent to begins with one slash and a letter of a path."""
    found = safe_path(wanted, "/")

    assert found.startswith("/")
    assert found[1:2] not in {"/", "\\"}
    assert not any(ord(letter) < 32 for letter in found)


@pytest.mark.parametrize(
    "evil", ["//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil"]
)
def test_the_login_goes_home_rather_than_elsewhere(served: Served, evil: str) -> None:
    """The known tricks of open redirects lead to the first page."""
    answer = served.stranger().get(served.link, params={"next": evil, "token": served.link[-32:]})

    assert answer.headers["location"] == "/"


def test_another_host_name_is_refused(served: Served) -> None:
    """A site that points its own name at the laptop gets nothing (DNS rebinding)."""
    answer = served.visitor().get("/", headers={"Host": "evil.example"})

    assert answer.status_code == 421


@pytest.mark.parametrize("path", ["/login", "/nothing", "/static/live.js", "/healthz"])
def test_every_answer_tells_browsers_what_is_allowed(served: Served, path: str) -> None:
    """Scripts of ours only, no frame around, no guessing of types."""
    headers = served.visitor().get(path).headers
    policy = headers["content-security-policy"]

    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"


def test_groups_give_roles() -> None:
    """Operators act, viewers look, all others stay outside; a star lets in who can log in."""
    rules = {"viewers": ["data-team"], "operators": ["on-call"]}

    assert role_of(["on-call", "data-team"], **rules) is Role.OPERATOR
    assert role_of(["data-team"], **rules) is Role.VIEWER
    assert role_of(["chess"], **rules) is None
    assert role_of([], viewers=["*"], operators=[]) is Role.VIEWER


@pytest.mark.parametrize(
    ("groups", "status"), [("chess, data-team", 200), ("on-call", 200), ("chess", 401), ("", 401)]
)
def test_a_trusted_proxy_says_who_it_is(
    sample_uri: str, tmp_path: Path, groups: str, status: int
) -> None:
    """From the proxy's address its headers count, and groups decide."""
    with serving(sample_uri, tmp_path, settings=PROXY) as running:
        named = {"X-Forwarded-Email": "ada@example.org", "X-Forwarded-Groups": groups}
        assert running.stranger(**named).get("/").status_code == status


def test_nobody_else_says_who_he_is(sample_uri: str, tmp_path: Path) -> None:
    """The same headers from another address, or a header that came twice, are nobody."""
    named = [("X-Forwarded-Email", "ada@example.org"), ("X-Forwarded-Groups", "on-call")]
    with serving(sample_uri, tmp_path, settings=PROXY) as running:
        twice = running.stranger().get("/", headers=[*named, ("X-Forwarded-Email", "root")])
    elsewhere = {**PROXY, "proxy_addresses": ("10.0.0.0/8",)}
    with serving(sample_uri, tmp_path, settings=elsewhere) as running:
        others = running.stranger().get("/", headers=[*named, ("X-Forwarded-For", "10.1.2.3")])

    assert (twice.status_code, others.status_code) == (401, 401)


@pytest.mark.parametrize("login", ["token", "airflow"])
def test_a_container_does_not_start_without_a_real_login(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, login: str
) -> None:
    """Where nobody could read a printed token, or Airflow is not around, it says what to set."""
    monkeypatch.setenv("STATIONMASTER_DASHBOARD_LOGIN", login)
    monkeypatch.setenv("STATIONMASTER_HOME", str(tmp_path))

    with pytest.raises(MisconfiguredError, match="STATIONMASTER_DASHBOARD_LOGIN"):
        app()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::", "example.com"])  # noqa: S104 (refused)
def test_a_token_is_for_loopback_only(host: str) -> None:
    """The command refuses to hand numbers to a network on a token alone."""
    with pytest.raises(MisconfiguredError, match="--host"):
        dashboard(host=host, port=1, sample=True)


def test_a_kept_token_is_used_and_must_be_long(tmp_path: Path) -> None:
    """The secret file's token survives a restart; a short one is refused."""
    sessions, file = Sessions(b"k" * 32, 1.0), tmp_path / "dashboard-token"
    file.write_text("0123456789abcdef\n", "utf-8")
    door = TokenDoor.kept(sessions, tmp_path)
    file.write_text("short", "utf-8")

    assert door.who("0123456789abcdef") is not None
    assert door.who("0123456789abcdef ") is None
    with pytest.raises(MisconfiguredError, match="at least 16"):
        TokenDoor.kept(sessions, tmp_path)
