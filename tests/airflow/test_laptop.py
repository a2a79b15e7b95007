"""A whole pipeline on a laptop: Airflow on sqlite, no services."""

from __future__ import annotations

import contextlib
import datetime as dt
from pathlib import Path

import psutil
import pytest

from stationmaster.airflow.laptop import run_pipeline
from stationmaster.step.errors import MisconfiguredError

DAGS = Path(__file__).parent / "fixtures" / "dags"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return one home for all runs: making Airflow's database takes seconds."""
    return tmp_path_factory.mktemp("laptop")


def processes_of(home: Path) -> list[int]:
    """Return the processes of a home: Airflow's, and its steps'."""
    told = f"STATIONMASTER_HOME={home}".encode()
    found: list[int] = []
    for process in psutil.process_iter():
        with contextlib.suppress(OSError):
            if told in Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0"):
                found.append(process.pid)
    return found


def test_a_pipeline_runs_day_by_day(home: Path) -> None:
    """Airflow's home is made, each day runs, and the steps' own lines are what is shown."""
    lines: list[str] = []
    days = [dt.date(2011, 11, 21), dt.date(2011, 11, 22)]

    done = run_pipeline("toy", days, home=home, dags_folder=DAGS, on_line=lines.append)

    text = "\n".join(lines)
    assert done, text
    assert "first              hello first on 2011-11-21 from toy-hello" in text
    assert "second             hello 3 on 2011-11-22 from toy-hello" in text
    assert "2011-11-22 is done after" in lines[-1]
    assert (home / "airflow" / "airflow.db").is_file()
    assert len(lines) < 25, text


def test_failed_days_are_told(home: Path, tmp_path: Path) -> None:
    """A failed step is told in its own words; a day that no task ran for is no success either.

    Airflow calls a run before the DAG's first day a success, without running a task.
    """
    lines: list[str] = []
    toy = (DAGS / "toy.py").read_text()
    broken = toy.replace('job="toy-hello", step_params={"name": "first"}', 'job="toy-mute"')
    (tmp_path / "toy.py").write_text(broken)
    days = [dt.date(2011, 11, 21), dt.date(2001, 1, 1)]

    done = run_pipeline("toy", days, home=home, dags_folder=tmp_path, on_line=lines.append)

    text = "\n".join(lines)
    assert not done
    assert "first              FAILED: toy-mute failed with exit code 3." in text
    assert "2011-11-21 FAILED after" in text
    assert "2001-01-01 FAILED after" in lines[-1]


def test_who_ends_the_command_ends_its_steps(home: Path, tmp_path: Path) -> None:
    """Ctrl-C and SIGTERM stop the step that runs; Airflow alone would try it again."""
    toy = (DAGS / "toy.py").read_text()
    sleeping = toy.replace('job="toy-hello", step', 'job="toy-sleep", step')
    (tmp_path / "toy.py").write_text(sleeping.replace('"retries": 0', '"retries": 3'))

    def leave_when_asleep(line: str) -> None:
        if "asleep" in line:
            assert len(processes_of(home)) > 1
            raise SystemExit(143)

    with pytest.raises(SystemExit):
        run_pipeline(
            "toy",
            [dt.date(2011, 11, 23)],
            home=home,
            dags_folder=tmp_path,
            on_line=leave_when_asleep,
        )

    assert processes_of(home) == []


def test_an_unknown_pipeline_is_named(tmp_path: Path) -> None:
    """A pipeline without a DAG file fails with the path that was looked for."""
    with pytest.raises(MisconfiguredError, match=r"expected the DAG file .*nightly\.py"):
        run_pipeline("nightly", [], home=tmp_path, dags_folder=DAGS)
