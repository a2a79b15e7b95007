"""Login by OpenID Connect, with a real provider on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from stationmaster.monitor.dashboard.serving import build
from stationmaster.monitor.dashboard.settings import DashboardSettings
from stationmaster.step.errors import MisconfiguredError
from tests.dashboard.served import Served, free_port, serving
from tests.launcher.airflow_home import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


def answers(url: str) -> bool:
    """Tell whether something listens."""
    try:
        return httpx.get(url).status_code == 200
    except httpx.HTTPError:
        return False


@contextmanager
def provider() -> Iterator[str]:
    """Run the provider; return its issuer."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    known = {"ISSUER": issuer, "CLIENT": "stationmaster", "SECRET": "known to both"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.dashboard.oidc_provider", str(port)],
        cwd=ROOT,
        env={**os.environ, **known},
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: answers(f"{issuer}/keys"), seconds=60)
        yield issuer
    finally:
        process.terminate()
        process.wait(10)


def settings_for(issuer: str, url: str) -> dict[str, Any]:
    """Return settings by which data-team looks and admins act."""
    return {
        "login": "oidc",
        "public_url": url,
        "oidc_issuer": issuer,
        "oidc_client_id": "stationmaster",
        "viewers": ("data-team",),
        "operators": ("admins",),
    }


@pytest.fixture
def house(sample_uri: str, tmp_path: Path) -> Iterator[Served]:
    """Serve the shop with the company's login."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "dashboard-oidc-client-secret").write_text("known to both\n", "utf-8")
    port = free_port()
    with provider() as issuer:
        told = settings_for(issuer, f"http://127.0.0.1:{port}")
        with serving(sample_uri, tmp_path, settings=told, port=port) as running:
            yield running


def log_in(browser: httpx.Client, person: str, wanted: str = "/") -> httpx.Response:
    """Do what a browser does when somebody logs in; return the dashboard's last answer."""
    asked = browser.get("/login/oidc", params={"next": wanted}).headers["location"]
    there = httpx.get(f"{asked}&person={person}")
    return browser.get(there.headers["location"])


def test_the_companys_login_lets_in_and_groups_decide(house: Served) -> None:
    """Admins act, the data team looks, all others are told whom to ask."""
    pages = {}
    for person in ("root", "ada"):
        browser = house.stranger()
        assert log_in(browser, person, "/incidents/8").headers["location"] == "/incidents/8"
        pages[person] = browser.get("/incidents/8").text
    bob = log_in(house.stranger(), "bob")

    assert "<textarea" in pages["root"]
    assert "ada@example.org" in pages["ada"]
    assert "<textarea" not in pages["ada"]
    assert (bob.status_code, "none of your groups" in bob.text) == (403, True)


def test_the_provider_is_asked_with_state_nonce_and_proof(house: Served) -> None:
    """What is sent there cannot be used by somebody who only sees it."""
    asked = house.stranger().get("/login/oidc").headers["location"]
    query = parse_qs(urlsplit(asked).query)

    assert query["code_challenge_method"] == ["S256"]
    assert {"state", "nonce", "code_challenge"} <= set(query)


def test_an_answer_of_another_browser_or_a_made_up_one_is_refused(house: Served) -> None:
    """A code that came for somebody else, or that the provider never gave, lets nobody in."""
    one, other = house.stranger(), house.stranger()
    asked = one.get("/login/oidc").headers["location"]
    back = httpx.get(f"{asked}&person=root").headers["location"]
    stolen = other.get(back)
    invented = one.get("/login/oidc/callback?code=invented&state=invented")

    assert [stolen.status_code, invented.status_code] == [403, 403]
    assert other.get("/").status_code == one.get("/").status_code == 303


def test_a_login_over_plain_http_is_refused(tmp_path: Path) -> None:
    """Settings that would send sessions in the clear do not start."""
    told = settings_for("https://login.example.com", "http://stationmaster.example.com")

    with pytest.raises(MisconfiguredError, match="an https:// URL"):
        build(DashboardSettings(**told))
    with pytest.raises(MisconfiguredError, match="VIEWERS"):
        build(DashboardSettings(**{**told, "viewers": (), "operators": ()}))
    assert list(tmp_path.iterdir()) == []
