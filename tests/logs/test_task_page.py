"""What Airflow's own API shows of a step's log: the real app, real rows, our logging class."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stationmaster.airflow.logs.platform import PlatformLogs
from stationmaster.airflow.logs.remote import StepLogIO
from stationmaster.step.logs.format import LogHead, source_folder
from stationmaster.step.logs.spool import LogSpool
from stationmaster.step.logs.store import FolderStore
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator


class Page:
    """Ask Airflow, in its own process, for the page of one task."""

    def __init__(self, process: subprocess.Popen[str], store: FolderStore) -> None:
        self._process = process
        self.store = store
        told = self._answer()
        self.try_id: str = told["try_id"]
        self.log_path: str = told["log_path"]

    def ask(self, do: str, **request: Any) -> dict[str, Any]:  # noqa: ANN401 (any JSON value)
        """Return the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **request}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def events(self, **request: Any) -> list[str]:  # noqa: ANN401 (any JSON value)
        """Return the log's messages without Airflow's group of sources."""
        events = [line["event"] for line in self.ask("read", **request)["content"]]
        end = events.index("::endgroup::") + 1 if "::endgroup::" in events else 0
        return events[end:]

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        return dict(json.loads(self._process.stdout.readline()))


@pytest.fixture(scope="module", name="airflow")
def _airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Start an Airflow of its own on a sqlite file."""
    home, logs = tmp_path_factory.mktemp("airflow"), tmp_path_factory.mktemp("logs")
    told = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__API__SECRET_KEY": "of-this-test",
        "AIRFLOW__API_AUTH__JWT_SECRET": "of-this-test",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__LOGGING__LOGGING_CONFIG_CLASS": (
            "stationmaster.airflow.logs.config.LOGGING_CONFIG"
        ),
        "STATIONMASTER_LOGS": str(logs),
    }
    script = Path(__file__).with_name("ask_airflow.py")
    with (home / "stderr").open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, str(script)],
            env=told,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        with process:
            yield Page(process, FolderStore(logs))
            process.kill()


def step_spool(page: Page, attempt: int) -> LogSpool:
    """Open the spool of one attempt of the page's task."""
    head = LogHead(try_id=page.try_id, attempt=attempt)
    return LogSpool(page.store, source_folder(page.log_path, 0, attempt), head)


@pytest.fixture(name="page")
def _page(airflow: Page) -> Page:
    for path in Path(airflow.store.uri).rglob("*.log"):
        path.unlink()
    return airflow


def test_a_running_steps_log_is_followed_without_loss_or_repetition(page: Page) -> None:
    """Whoever asks again with the token of the last answer gets each line once."""
    page.ask("state", state="running")
    spool, token, lines = step_spool(page, 1), "", 0
    shown: list[str] = []
    until = time.monotonic() + 60
    while len(shown) < 60 and time.monotonic() < until:
        if lines < 60:
            for _ in range(5):
                spool.add(f"line {lines}\n".encode())
                lines += 1
            spool.flush()
        answer = page.ask("read", token=token)
        token = answer["continuation_token"]
        shown += [each["event"] for each in answer["content"] if "line " in each["event"]]
        time.sleep(0.4)

    assert shown == [f"[attempt 1] line {number}" for number in range(60)]


def test_a_finished_steps_log_has_all_its_parts(page: Page, tmp_path: Path) -> None:
    """The platform's lines, the attempts' lines and the worker's lines are one log, in order."""
    page.ask("state", state="success")
    logs = PlatformLogs(page.store, tmp_path, Settings(home=tmp_path))
    said = logs.open(page.log_path, try_id=page.try_id)
    said.say("attempt 1 starts")
    for attempt in (1, 2):
        time.sleep(0.01)
        spool = step_spool(page, attempt)
        spool.add(f"hello of {attempt}\n".encode())
        spool.end()
        spool.flush()
    said.close()
    assert logs.close()
    worker = tmp_path / page.log_path
    worker.parent.mkdir(parents=True, exist_ok=True)
    worker.write_text(json.dumps({"timestamp": "2100-01-01T00:00:00Z", "event": "callback ran"}))
    io = StepLogIO(str(tmp_path))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("STATIONMASTER_LOGS", page.store.uri)
        io.upload(page.log_path)

    wanted = ["attempt 1 starts", "[attempt 1] hello of 1", "[attempt 2] hello of 2"]
    assert page.events() == [*wanted, "callback ran"]
    assert page.events(stream=True) == [*wanted, "callback ran"]


def test_equal_lines_are_all_shown(page: Page) -> None:
    """Airflow drops repeated lines of one time: a step that prints dots shows all of them."""
    page.ask("state", state="success")
    spool = step_spool(page, 1)
    spool.add(b".\n" * 7000)
    spool.end()
    spool.flush()

    assert page.events(stream=True) == ["[attempt 1] ."] * 7000


def test_a_line_of_a_megabyte_arrives_whole(page: Page) -> None:
    """Airflow's API hands it on as one line."""
    page.ask("state", state="success")
    spool = step_spool(page, 1)
    spool.add(b"x" * 1_200_000 + b"\n")
    spool.end()
    while not spool.complete:
        spool.flush()

    assert [len(event) for event in page.events(stream=True)] == [1_200_000 + len("[attempt 1] ")]


def test_a_store_that_cannot_be_read_is_said_on_the_page(
    silent_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says what is wrong, in bounded time, and is not an error itself."""
    monkeypatch.setenv("STATIONMASTER_LOGS", "s3://logs/x")
    monkeypatch.setenv("STATIONMASTER_S3_ENDPOINT", silent_server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "k")
    messages, streams = StepLogIO("/nonexistent").stream("a/attempt=1.log", object())

    assert streams == []
    assert "s3://logs/x cannot be read" in messages[0]
