"""Run the fixture jobs as processes of their own, by the contract."""

from __future__ import annotations

import contextlib
import datetime as dt
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from stationmaster.step.job import find_job
from stationmaster.step.process import ProcessOutcome, run_process
from stationmaster.step.protocol import StepContext
from stationmaster.step.run_step import new_try_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stationmaster.step import Job

FIXTURES = Path(__file__).parent / "fixtures"

RunHello = Callable[..., tuple[ProcessOutcome, list[str]]]


@pytest.fixture(name="fixtures")
def _fixtures() -> Path:
    return FIXTURES


@pytest.fixture(name="totals")
def _totals(monkeypatch: pytest.MonkeyPatch) -> Job[...]:
    monkeypatch.syspath_prepend(FIXTURES / "packages")
    return find_job("visit_totals")


@pytest.fixture(name="contracts")
def _contracts() -> Path:
    return FIXTURES / "packages/visit_totals/contracts"


@pytest.fixture(name="context")
def _context() -> StepContext:
    return StepContext(
        pipeline="test",
        run_id="test",
        step="hello",
        job="hello-files",
        try_id=new_try_id(),
        business_date=dt.date(2011, 11, 21),
    )


@pytest.fixture(name="variables")
def _variables(tmp_path: Path) -> dict[str, str]:
    return {
        "STATIONMASTER_HOME": str(tmp_path / "home"),
        "STATIONMASTER_LANDING": str(tmp_path / "landing"),
        "STATIONMASTER_REPORTS": str(tmp_path / "reports"),
        "PYTHONPATH": str(FIXTURES / "packages"),
    }


@pytest.fixture(name="running_steps")
def _running_steps(tmp_path: Path) -> Callable[[], list[str]]:
    """Return a function that lists the steps which run in this test's own home."""
    home = f"STATIONMASTER_HOME={tmp_path / 'home'}".encode()

    def steps() -> list[str]:
        found: list[str] = []
        for process in psutil.process_iter():
            with contextlib.suppress(OSError, psutil.Error):
                variables = Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")
                if home in variables and any(v.startswith(b"STATIONMASTER_CON") for v in variables):
                    found.append(" ".join(process.cmdline()))
        return found

    return steps


@pytest.fixture(name="hello")
def _hello(context: StepContext, variables: Mapping[str, str]) -> RunHello:
    """Run the greeting job and return how it ended, and its log."""

    def run(package: str = "hello_files", **params: Any) -> tuple[ProcessOutcome, list[str]]:  # noqa: ANN401 (any JSON value)
        lines: list[str] = []
        command = [sys.executable, "-m", "stationmaster.step", package]
        told = context.model_copy(update={"params": params})
        return run_process(told, command, on_line=lines.append, env=variables), lines

    return run
