"""The job maintains every dataset of its home, and says what it did."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import polars as pl
import pytest

from maintain_datasets.job import run
from stationmaster.step.testing import run_job

if TYPE_CHECKING:
    from pathlib import Path

DAY = "2011-11-21"
ORDERS = pl.DataFrame({"order_id": ["1", "2"], "revenue": [1.0, 2.0]})


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that the job takes for its home."""
    monkeypatch.setenv("STATIONMASTER_HOME", str(tmp_path))
    return tmp_path


def test_a_quiet_house_needs_nothing(home: Path) -> None:
    """Where nothing is to be done the step is done, and says nothing."""
    done = run_job(run, DAY, tables={"web_orders": ORDERS}, home=home)
    assert done.exit_code == 0
    assert done.result.notes == ()
    assert done.table("web_orders").height == 2


def test_an_orphan_of_two_days_ago_is_removed(home: Path) -> None:
    """A killed writer's file goes, the table's own stays, and the result's notes tell."""
    run_job(run, DAY, tables={"web_orders": ORDERS}, home=home)
    orphan = next(home.rglob("*.parquet")).with_name("orphan.parquet")
    orphan.write_bytes(b"half")
    os.utime(orphan, (time.time() - 48 * 3600,) * 2)
    done = run_job(run, DAY, home=home)
    assert done.result.notes[0].startswith("stationmaster.web_orders: 0 snapshots expired, 1 file")
    assert not orphan.exists()
    assert done.table("web_orders").height == 2


def test_keeping_snapshots_too_short_is_refused() -> None:
    """A parameter that takes snapshots from under readers ends as misconfigured."""
    done = run_job(run, DAY, params={"keep_days": 0})
    assert done.exit_code == 78
    assert done.result.error is not None
    assert "keep_days" in f"{done.result.error.where} {done.result.error.got}"
