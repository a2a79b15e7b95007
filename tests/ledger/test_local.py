"""A step that is a local process has a row in the ledger."""

from __future__ import annotations

import datetime as dt
import platform
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from stationmaster.airflow.life.findings import Verdict
from stationmaster.airflow.process import LocalRun
from stationmaster.ledger.local import BY_EXIT_CODE, record_process
from stationmaster.ledger.store import Ledger
from stationmaster.step.process import ProcessOutcome
from stationmaster.step.settings import Settings
from tests.ledger.attempts import NOON, context, result

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from stationmaster.ledger.records import AttemptRecord


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let a laptop's files be in a folder of the test."""
    monkeypatch.setenv("STATIONMASTER_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("STATIONMASTER_LEDGER_URI", raising=False)
    return tmp_path / "home"


def rows() -> Sequence[AttemptRecord]:
    """Return what the laptop's ledger has."""
    return Ledger.open(Settings().ledger_location).last(99)


def run(code: str, shards: int = 1) -> None:
    """Run a step of one line of Python as Airflow's operator does."""
    contexts = [context(shard={"index": n, "count": shards}) for n in range(shards)]
    command = [sys.executable, "-c", code]
    LocalRun(contexts, command, env={}, grace_seconds=5).run(lambda _shard, _line: None)


def test_a_process_leaves_a_row_in_a_ledger_of_its_own(home: Path) -> None:
    """The first step of a laptop makes the ledger and is in it, with times, host and verdict."""
    before = dt.datetime.now(dt.UTC)

    run("pass")

    [row] = rows()
    assert (home / "ledger.db").exists()
    assert (row.kind, row.verdict, row.exit_code) == ("process", "succeeded", 0)
    assert row.node == platform.node()
    assert row.started_at is not None
    assert row.finished_at is not None
    assert before <= row.started_at <= row.finished_at <= row.recorded_at


@pytest.mark.parametrize("code", [*BY_EXIT_CODE, 1])
def test_the_exit_code_names_the_verdict(code: int) -> None:
    """Each exit code of the contract has its verdict, all of them of the closed list."""
    run(f"raise SystemExit({code})")

    [row] = rows()
    assert row.verdict == BY_EXIT_CODE.get(code, "step_failed")
    assert row.verdict in set(Verdict)
    assert f"exit code {code}" in row.sentence
    assert row.hint


def test_shards_side_by_side_have_a_row_each() -> None:
    """Processes that end together make the ledger once and each leave their row."""
    run("pass", shards=6)

    assert sorted((row.shard, row.shards) for row in rows()) == [(n, 6) for n in range(6)]


def test_a_stopped_process_is_recorded_as_stopped() -> None:
    """Stopping a step on request leaves a row that says so."""
    started = threading.Event()
    local = LocalRun(
        [context()],
        [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"],
        env={},
        grace_seconds=5,
    )

    def stop() -> None:
        started.wait()
        local.stop()

    stopper = threading.Thread(target=stop)
    stopper.start()
    local.run(lambda _shard, _line: started.set())
    stopper.join()

    assert [row.verdict for row in rows()] == ["stopped"]


def test_a_broken_ledger_fails_no_step(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A step that is done stays done when its row cannot be written, and its log says so."""
    monkeypatch.setenv("STATIONMASTER_LEDGER_URI", "postgresql://me:secret@127.0.0.1:1/none")
    done = ProcessOutcome(exit_code=0, result=result())

    assert record_process(context(), done, started_at=NOON) is False
    assert "no row of this attempt" in caplog.text
    assert "secret" not in caplog.text
