"""A full disk is temporary trouble with a name, and nothing half-written is visible."""

from __future__ import annotations

import errno
import os
import sqlite3
import sys
from typing import TYPE_CHECKING

import polars as pl
import pytest

from stationmaster.step import Inputs, StorageFullError, job
from stationmaster.step.datasets import Store
from stationmaster.step.failures import as_step_error, exit_code_of
from stationmaster.step.process import ProcessOutcome, run_process
from stationmaster.step.settings import Settings
from stationmaster.step.testing import run_job

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from stationmaster.step import StepContext

PYTHON = f"{sys.executable} -m stationmaster.step visit_totals"


@job
def _nothing(inputs: Inputs) -> None:
    """Only lay the inputs down."""


def test_staging_onto_a_full_disk_publishes_nothing(
    context: StepContext, variables: Mapping[str, str], tmp_path: Path
) -> None:
    """The data file does not fit: exit code 75, no partition; with space the re-run ends right."""
    pages = pl.int_range(400_000, eager=True).hash().cast(pl.String)
    visits = pl.DataFrame({"page": pages, "count": 1})
    run_job(_nothing, context.business_date, tables={"visits": visits}, home=tmp_path / "home")
    store = Store.open(Settings(home=tmp_path / "home"))
    places = {name: variables[name] for name in ("STATIONMASTER_HOME", "PYTHONPATH")}

    def run(script: str) -> ProcessOutcome:
        return run_process(context, ["sh", "-c", script], on_line=print, env=places)

    full = run(f"ulimit -f 2048; exec {PYTHON}")
    after_full = store.business_dates("visit_totals")
    again = run(f"exec {PYTHON}")

    assert full.exit_code == 75
    assert full.failure is not None
    assert full.failure.kind == "StorageFullError"
    assert after_full == []
    assert again.exit_code == 0, again.failure
    rows = store.read("visit_totals", context.business_date).ref.rows
    assert rows == pages.n_unique()


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/data/part-0.parquet"),
        OSError(errno.EDQUOT, os.strerror(errno.EDQUOT), "/data/part-0.parquet"),
        pl.exceptions.ComputeError("No space left on device (os error 28)"),
        sqlite3.OperationalError("database or disk is full"),
    ],
)
def test_a_full_disk_is_recognised_whoever_reports_it(error: Exception) -> None:
    """Python, Rust, sqlite, also as the cause of another error: 75, and what to do."""
    wrapped = RuntimeError("commit failed")
    wrapped.__cause__ = error

    found = as_step_error(wrapped)

    assert isinstance(found, StorageFullError)
    assert exit_code_of(found) == 75
    assert "Free space or enlarge the volume" in str(found)


def test_another_error_stays_what_it_is() -> None:
    """Only a full disk is translated."""
    error = OSError(errno.EACCES, "Permission denied")

    assert as_step_error(error) is error
    assert exit_code_of(error) == 1
