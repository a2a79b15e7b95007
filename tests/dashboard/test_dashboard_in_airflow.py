"""The dashboard as a page of a real Airflow: its session, its roles, its frame."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.launcher.airflow_home import AirflowHome, eventually
from tests.postgres_server import running_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

pytestmark = [pytest.mark.timeout(600)]

PLUGIN = "from stationmaster.monitor.dashboard.airflow_plugin import StationmasterPlugin\n"
PEOPLE = "vera:viewer,oscar:op"


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory, sample_file: Path) -> Iterator[AirflowHome]:
    """Run an api-server with the plugin, a viewer and an operator, and the made-up shop."""
    folder = tmp_path_factory.mktemp("airflow")
    (folder / "plugins").mkdir()
    (folder / "plugins" / "stationmaster_page.py").write_text(PLUGIN, "utf-8")
    shutil.copy(sample_file, folder / "sample.db")
    variables = {
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": PEOPLE,
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(folder / "passwords.json"),
        "STATIONMASTER_LEDGER_URI": f"sqlite:///{folder}/sample.db",
    }
    (folder / "passwords.json").write_text('{"vera": "vera", "oscar": "oscar"}', "utf-8")
    with running_postgres() as postgres:
        home = AirflowHome(folder, postgres.new_database(), variables)
        try:
            home.api_server()
            yield home
        finally:
            home.close()


def token_of(airflow: AirflowHome, person: str) -> str:
    """Log somebody in; return what Airflow keeps in its cookie."""
    url = f"http://127.0.0.1:{airflow.port}/auth/token"
    answer = httpx.post(url, json={"username": person, "password": person}, timeout=60)
    return str(answer.json()["access_token"])


def client_of(airflow: AirflowHome, person: str = "") -> httpx.Client:
    """Return somebody's browser; "" for nobody's."""
    cookies = {"_token": token_of(airflow, person)} if person else {}
    base = f"http://127.0.0.1:{airflow.port}"
    return httpx.Client(base_url=base, cookies=cookies, timeout=60)


def test_airflows_session_lets_in(airflow: AirflowHome) -> None:
    """Without one there is nothing; with one the page is there, below Airflow's address."""
    nobody = client_of(airflow).get("/stationmaster/")
    page = client_of(airflow, "vera").get("/stationmaster/")

    assert (nobody.status_code, "finance" in nobody.text) == (401, False)
    assert page.status_code == 200
    assert 'data-part="/stationmaster/parts/' in page.text
    assert "frame-ancestors 'self'" in page.headers["content-security-policy"]
    forged = httpx.Client(base_url=f"http://127.0.0.1:{airflow.port}", cookies={"_token": "x.y.z"})
    assert forged.get("/stationmaster/", timeout=60).status_code == 401


def test_airflows_roles_say_who_may_act(airflow: AirflowHome) -> None:
    """Who may only see runs reads; who may change them acts, and Airflow's name is written down."""
    vera, oscar = client_of(airflow, "vera"), client_of(airflow, "oscar")
    page = oscar.get("/stationmaster/incidents/8").text
    (token,) = set(re.findall(r'name="form_token" value="([0-9a-f]+)"', page))
    sent: dict[str, Any] = {"data": {"form_token": token, "note": "Looking."}}
    done = oscar.post("/stationmaster/acts/acknowledge/8", **sent)

    assert "<textarea" not in vera.get("/stationmaster/incidents/8").text
    assert done.headers["location"] == "/stationmaster/incidents/8?done=1"
    assert "oscar looks after it." in vera.get("/stationmaster/incidents/8").text


@pytest.mark.browser
def test_the_page_stands_in_airflows_menu_and_is_live(
    airflow: AirflowHome, browser: Browser
) -> None:
    """Airflow's own UI shows it in a frame, live, and its links to runs lead to Airflow's pages."""
    base = f"http://127.0.0.1:{airflow.port}"
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_cookies([{"name": "_token", "value": token_of(airflow, "vera"), "url": base}])
    page = context.new_page()
    page.goto(f"{base}/plugin/stationmaster")
    frame = page.frame_locator("iframe")
    frame.locator(".answer").wait_for(timeout=90_000)
    frame.locator("#live", has_text="Live").wait_for()
    frame.get_by_role("link", name="Engineering").click()
    frame.get_by_role("link", name="Log in Airflow").first.click()
    eventually(lambda: "/dags/finance_close/runs/" in page.url, seconds=30)

    assert "/tasks/extract_payments" in page.url
    context.close()
