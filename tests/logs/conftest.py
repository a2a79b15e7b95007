"""Steps that print, and log stores: a folder, a real S3 server, a server that never answers."""

from __future__ import annotations

import datetime as dt
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stationmaster.airflow.logs.remote import StepLogIO
from stationmaster.step.process import ProcessOutcome, StepProcess
from stationmaster.step.protocol import StepContext
from stationmaster.step.run_step import new_try_id
from tests.logs.shown import shown_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

PACKAGES = Path(__file__).parent / "packages"
LOG_PATH = "dag_id=morning/run_id=r1/task_id=noisy/attempt=1.log"

RunNoisy = Callable[..., tuple[ProcessOutcome, list[str]]]
Shown = Callable[..., list[str]]


@pytest.fixture(name="context")
def _context() -> StepContext:
    return StepContext(
        pipeline="morning",
        run_id="r1",
        step="noisy",
        job="noisy",
        try_id=new_try_id(),
        business_date=dt.date(2011, 11, 21),
    )


@pytest.fixture(name="store_folder")
def _store_folder(tmp_path: Path) -> Path:
    return tmp_path / "logs"


@pytest.fixture(name="variables")
def _variables(tmp_path: Path, store_folder: Path) -> dict[str, str]:
    return {
        "STATIONMASTER_HOME": str(tmp_path / "home"),
        "STATIONMASTER_LOGS": str(store_folder),
        "PYTHONPATH": str(PACKAGES),
        "TMPDIR": str(tmp_path),
    }


@pytest.fixture(name="start")
def _start(context: StepContext, variables: Mapping[str, str]) -> Callable[..., StepProcess]:
    """Start the noisy job as a process of its own."""

    def begin(told: Mapping[str, str] | None = None, **params: Any) -> StepProcess:  # noqa: ANN401 (any JSON value)
        command = [sys.executable, "-m", "stationmaster.step", "noisy"]
        mine = context.model_copy(update={"params": params})
        return StepProcess(mine, command, env={**variables, **(told or {})})

    return begin


@pytest.fixture(name="noisy")
def _noisy(start: Callable[..., StepProcess]) -> RunNoisy:
    """Run the noisy job to its end; return how it ended, and its stdout."""

    def run(
        told: Mapping[str, str] | None = None,
        **params: Any,  # noqa: ANN401 (any JSON value)
    ) -> tuple[ProcessOutcome, list[str]]:
        lines: list[str] = []
        with start(told, **params) as process:
            return process.wait(lines.append), lines

    return run


@pytest.fixture(name="shown")
def _shown(store_folder: Path, monkeypatch: pytest.MonkeyPatch, context: StepContext) -> Shown:
    """Return what the task's page shows from the log store."""

    def show(logs: str = "", log_path: str = LOG_PATH, state: str = "success") -> list[str]:
        monkeypatch.setenv("STATIONMASTER_LOGS", logs or str(store_folder))
        return shown_lines(StepLogIO("/nonexistent"), log_path, context.try_id, state)

    return show


@pytest.fixture(name="silent_server")
def _silent_server() -> Iterator[str]:
    """Return the URL of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
