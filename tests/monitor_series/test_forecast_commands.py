"""`stationmaster forecast replay`, as people and programs call it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from stationmaster.monitor.series.forecast_commands import app
from stationmaster.step.errors import MisconfiguredError
from tests.monitor_series.made import made

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def leak(tmp_path: Path) -> Path:
    """Return the file of a series that leaks 5 % a day from its 50th day on."""
    changes = {day: 1.05 ** (day - 50) for day in range(50, 75)}
    series = made(75, noise=0.03, changes=changes)
    rows = [f"{point.at.date()},{point.value!r}" for point in series.by_period.values()]
    path = tmp_path / "leak.csv"
    path.write_text("\n".join(["timestamp,value", *rows]) + "\n", encoding="utf-8")
    return path


def told(*arguments: str) -> str:
    """Return what the command printed."""
    done = CliRunner().invoke(app, ["replay", *arguments], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_the_document_has_when_and_from_when_to_when(leak: Path) -> None:
    """With --json a program gets dates and days of the crossing, its interval, and the growth."""
    document = json.loads(told(str(leak), "--limit", "6000", "--json"))

    now = document["forecast"]
    assert now["outlook"] == "crosses"
    assert now["crosses_earliest"] <= now["crosses_at"] <= now["crosses_latest"]
    assert 0.03 < now["growth_a_day"] < 0.07
    assert document["met_at"] is None
    assert document["announcements"][-1]["met_at"] is None


def test_people_read_a_sentence_and_what_was_announced(leak: Path) -> None:
    """Without --json it is a head, the forecast, and a line for each announcement."""
    lines = told(str(leak), "--limit", "3000").splitlines()

    assert lines[0].endswith("75 daily values, 2011-01-03 to 2011-03-18; limit 3000")
    assert any("It was met 2011-03-" in line for line in lines[2:])


def test_a_limit_that_is_no_number_is_refused(leak: Path) -> None:
    """Infinity is no limit."""
    with pytest.raises(MisconfiguredError, match="--limit"):
        told(str(leak), "--limit", "inf")
