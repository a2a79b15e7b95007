"""The commands say where things are and what comes next."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import httpx
import pytest
from typer.testing import CliRunner

from stationmaster.sources.commands import app
from stationmaster.sources.support_api import token

if TYPE_CHECKING:
    from stationmaster.sources.retail import Retail
    from stationmaster.step.settings import Settings


@pytest.fixture(name="here")
def _here(retail: Retail, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Let the commands work in the test's own home, on the shared real data."""
    monkeypatch.setenv("STATIONMASTER_HOME", str(settings.home))
    monkeypatch.setenv("STATIONMASTER_DATA", str(retail.folder.parent.absolute()))
    monkeypatch.setenv("COLUMNS", "400")
    return settings


def run(*arguments: str) -> tuple[int, str]:
    """Run a command; return its exit code and what it printed."""
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def test_generate_says_what_and_where(here: Settings) -> None:
    """Each day is a line of progress; at the end stand the places and the next command."""
    code, said = run("generate", "--from", "2011-11-21", "--to", "2011-11-22")

    assert code == 0
    assert "2011-11-21  records: web " in said
    assert "2011-11-22  records: web " in said
    assert f"Landing folders: {here.home}/landing/<source>/<day>" in said
    assert f"Truth (scoring only): {here.home}/truth/people.parquet" in said
    assert "Next: stationmaster sources serve" in said


def test_generate_puts_faults_into_the_last_day(here: Settings) -> None:
    """A fault of the command line is on the last day only."""
    days = ("--from", "2011-11-20", "--to", "2011-11-21")
    code, said = run("generate", *days, "--fault", "web:late")

    assert code == 0
    assert "Fault: web 2011-11-21: no _SUCCESS yet" in said
    assert (here.home / "landing/web/2011-11-20/_SUCCESS").exists()
    assert not (here.home / "landing/web/2011-11-21/_SUCCESS").exists()


@pytest.mark.parametrize(("arguments", "said"), [
    (("--from", "2012-01-01", "--to", "2012-01-02"), "real orders are of 2009-12-01 to 2011-12-09"),
    (("--from", "2011-11-21", "--to", "2011-11-20"), "2011-11-20 is before --from 2011-11-21"),
    (("--from", "2011-11-21", "--to", "2011-11-21", "--orders-a-day", "many"), "'many' is neither"),
    (("--from", "2011-11-21", "--to", "2011-11-21", "--fault", "web:lost"), "got 'web:lost'"),
])  # fmt: skip
def test_bad_arguments_are_explained(here: Settings, arguments: tuple[str, ...], said: str) -> None:
    """What cannot be generated is refused in words, before anything is written."""
    code, output = run("generate", *arguments)

    assert code == 2
    assert said in output
    assert not (here.home / "landing").exists()


def test_faults_can_be_listed_put_in_and_cleared(here: Settings) -> None:
    """The fault command lists what there is, puts one in, and lets the API work again."""
    run("generate", "--from", "2011-11-21", "--to", "2011-11-21")

    assert "support:hanging        /v1/tickets does not answer" in run("fault")[1]
    assert "--date 2011-11-21" in run("fault", "web:late")[1]
    assert "answers 500" in run("fault", "support:500:2", "--date", "2011-11-21")[1]
    assert (here.home / "support/faults.json").exists()
    assert "answers properly" in run("fault", "--clear")[1]
    assert not (here.home / "support/faults.json").exists()


def test_fetch_says_what_is_next(here: Settings) -> None:
    """With the data there, fetch only says so."""
    code, said = run("fetch")

    assert code == 0
    assert f"1,067,371 real order lines at {here.data_folder.absolute()}" in said
    assert "Next: stationmaster sources generate --from 2011-11-21" in said


def test_serve_answers_until_stopped(here: Settings) -> None:
    """The served API is on this machine only, and ends with Ctrl-C."""
    run("generate", "--from", "2011-11-21", "--to", "2011-11-21")
    command = [sys.executable, "-m", "stationmaster.sources.commands", "serve", "--port", "18765"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as server:
        answer = _status("http://127.0.0.1:18765/v1/status", token(here))
        server.send_signal(signal.SIGINT)
        said, _ = server.communicate(timeout=20)

    assert answer == {"complete_through": "2011-11-21T23:59:59Z"}
    assert server.returncode == 0
    assert "Support API at http://127.0.0.1:18765/v1/tickets" in said


def _status(url: str, secret: str) -> object:
    """Ask until the server is up."""
    for _ in range(200):
        try:
            return httpx.get(url, headers={"Authorization": f"Bearer {secret}"}).json()
        except httpx.ConnectError:
            time.sleep(0.1)
    return None
