"""Three mornings through Airflow: what a new user runs first."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stationmaster.sources.faults import inject
from stationmaster.step.settings import Settings
from tests.pipeline.mornings import MERGED, REPORTED, Mornings, days_from, differences

if TYPE_CHECKING:
    from stationmaster.sources.world import World

DAYS = days_from(dt.date(2011, 11, 21), 3)
TABLES = (*MERGED, *REPORTED)


def demo(home: Path) -> list[str]:
    """Run `stationmaster demo` in a process of its own; return the lines it printed."""
    places = {"STATIONMASTER_HOME": str(home), "STATIONMASTER_DATA": str(Settings().data_folder)}
    done = subprocess.run(
        [sys.executable, "-c", "from stationmaster.cli import main; main()", "demo", "--days", "3"],
        cwd=Path(__file__).parents[2],
        env=dict(os.environ) | places,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


@pytest.fixture(name="home", scope="module")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(name="printed", scope="module")
def _printed(home: Path) -> list[str]:
    return demo(home)


def test_the_demo_ends_in_lines_a_new_user_can_use(printed: list[str], home: Path) -> None:
    """The last lines tell the count, what was kept aside, where the page is, what is next."""
    said = "\n".join(printed[-12:])

    assert "One customer count: " in said
    assert "quarantine  11 rows kept aside" in said
    assert "try next" in said
    assert (home / "reports/morning_report/2011-11-23/index.html").exists()


def test_airflow_and_the_runner_give_the_same_tables(
    world: World, tmp_path: Path, home: Path, printed: list[str]
) -> None:
    """Three mornings through Airflow equal the same mornings by the runner, value by value."""
    assert printed
    mornings = Mornings(tmp_path)
    mornings.play_sources(world, days_from(DAYS[0] - dt.timedelta(days=1), 4))
    inject(mornings.settings, "malformed", "delivery", DAYS[-1])
    mornings.extract(DAYS)
    mornings.merge(DAYS)
    mornings.report(DAYS)

    airflow = Mornings(home)

    assert differences(airflow.tables(TABLES, DAYS), mornings.tables(TABLES, DAYS)) == []


def test_a_second_demo_changes_nothing(home: Path, printed: list[str]) -> None:
    """Run again, the demo says that the days are done and touches no table."""
    assert printed
    before = sorted(str(path) for path in (home / "warehouse").rglob("*"))
    said = "\n".join(demo(home))

    assert "3 days are done already" in said
    assert sorted(str(path) for path in (home / "warehouse").rglob("*")) == before
