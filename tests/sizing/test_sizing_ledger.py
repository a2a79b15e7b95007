"""From the rows of a ledger to advice, and the commands as a person types them."""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner, Result

from stationmaster.ledger.engine import make_engine
from stationmaster.ledger.models import applied_size
from stationmaster.ledger.sizing.commands import app
from stationmaster.ledger.sizing.comparing import POLICIES
from stationmaster.ledger.sizing.observations import MIB
from stationmaster.ledger.sizing.reading import histories_of, read_attempts
from tests.ledger.attempts import record

if TYPE_CHECKING:
    from collections.abc import Callable

    from stationmaster.ledger.records import AttemptRecord
    from stationmaster.ledger.store import Ledger

PROGRAM = str(Path(sys.executable).parent / "stationmaster")
NOW = dt.datetime.now(dt.UTC)
DECLARED = 2048 * MIB


@pytest.fixture
def command(uri: str) -> Callable[..., Result]:
    """Return a function that calls `stationmaster sizes …` on the test's database."""

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, words, env={"STATIONMASTER_LEDGER_URI": uri})

    return run


def program(*words: str) -> subprocess.CompletedProcess[str]:
    """Run `stationmaster sizes …` as a process of its own."""
    known = {name: value for name, value in os.environ.items() if "STATIONMASTER" not in name}
    command = [PROGRAM, "sizes", *words]
    return subprocess.run(command, check=False, env=known, capture_output=True, text=True)


def ran(day: int, peak: int, **known: Any) -> AttemptRecord:  # noqa: ANN401 (any field)
    """Return an attempt of `day` days ago that used a peak in MiB for an hour."""
    moment = NOW - dt.timedelta(days=day)
    told: dict[str, Any] = {
        "try_id": f"try-{day}",
        "queued_at": moment,
        "recorded_at": moment + dt.timedelta(hours=1),
        "verdict": "succeeded",
        "asked_memory_bytes": DECLARED,
        "declared_memory_bytes": DECLARED,
        "asked_cpu_millicores": 1000,
        "peak_memory_bytes": peak * MIB,
        "wall_seconds": 3600.0,
        "cpu_seconds": 1800.0,
    }
    return record(**{**told, **known})


def a_month() -> list[AttemptRecord]:
    """Return thirty runs of about 600 MiB, and one try of which only the second attempt fitted."""
    short = ran(31, 700, verdict="out_of_memory", asked_memory_bytes=700 * MIB)
    bigger = ran(31, 900, attempt=2, asked_memory_bytes=1050 * MIB)
    broken = ran(2, 5, try_id="broken", verdict="contract_broken")
    return [*(ran(day, 600 + day % 5) for day in range(1, 31)), short, bigger, broken]


def test_attempts_of_a_try_are_one_run(ledger: Ledger, uri: str) -> None:
    """A run out of memory and its second attempt are one; what failed otherwise is none."""
    ledger.record_all(a_month())

    (history,) = histories_of(read_attempts(make_engine(uri), since=NOW - dt.timedelta(days=90)))

    assert len(history.runs) == 31
    assert history.runs[0].peak_bytes == 900 * MIB
    assert history.too_small == 700 * MIB
    assert history.declared_bytes == DECLARED


def test_only_a_limit_that_was_in_force_proved_too_small(ledger: Ledger, uri: str) -> None:
    """Killed at 700 MiB before the 1,400 it had been given were in force, it may need 701."""
    killed = ran(2, 690, verdict="out_of_memory", asked_memory_bytes=1400 * MIB)
    ledger.record_all([killed.model_copy(update={"proved_too_small_bytes": 700 * MIB})])

    (history,) = histories_of(read_attempts(make_engine(uri), since=NOW - dt.timedelta(days=90)))

    assert history.too_small == 700 * MIB


def test_only_the_newest_attempts_are_read(ledger: Ledger, uri: str) -> None:
    """A step that runs every minute does not bring a million rows."""
    ledger.record_all(a_month())

    rows = read_attempts(make_engine(uri), since=NOW - dt.timedelta(days=90), most=10)

    assert len(rows) == 10
    assert max(NOW - row.submitted_at for row in rows) < dt.timedelta(days=12)


def test_a_run_that_told_no_peak_is_counted_and_sizes_nothing(ledger: Ledger, uri: str) -> None:
    """A foreign image without measurements keeps its declared size."""
    ledger.record_all([ran(day, 0) for day in range(1, 9)])

    (history,) = histories_of(read_attempts(make_engine(uri), since=NOW - dt.timedelta(days=90)))

    assert (history.runs, history.unmeasured) == ([], 8)


def test_show_is_readable(ledger: Ledger, command: Callable[..., Result]) -> None:
    """A step's line has its sizes, its saving and its replay; the reason stands below."""
    ledger.record_all(a_month())

    lines = command("show").stdout.splitlines()

    assert lines[0].split()[:4] == ["step", "declared", "in", "force"]
    assert lines[1].startswith("morning_analytics/extract_web (extract-web)")
    for words in ("2 GiB", "1000m > 500m", "$", " of 28", "high"):
        assert words in lines[1]
    assert lines[2].startswith("    largest recent peak")
    assert any("would save $" in line for line in lines)
    assert any("as recommended" in line and "as declared" in line for line in lines)


def test_local_processes_have_nothing_to_save(
    ledger: Ledger, command: Callable[..., Result]
) -> None:
    """On a laptop nothing is declared: no line tells of 0 bytes, nor of money."""
    local = {
        "asked_memory_bytes": None,
        "declared_memory_bytes": None,
        "asked_cpu_millicores": None,
    }
    ledger.record_all([ran(day, 100, **local) for day in range(1, 9)])

    shown = command("show").stdout

    assert shown.splitlines()[1].split()[2:4] == ["none", "none"]
    assert "All of these ran as local processes" in shown
    assert "$" not in shown
    assert "0 B" not in shown


def test_show_is_the_default_and_says_when_there_is_nothing(tmp_path: Path) -> None:
    """A ledger that nobody has made yet is no error, and stays unmade."""
    known = {"STATIONMASTER_LEDGER_URI": f"sqlite:///{tmp_path}/none.db"}
    shown = CliRunner().invoke(app, [], env=known)

    assert shown.exit_code == 0
    assert "No run that says what a step needs is in the ledger." in shown.stdout
    assert not (tmp_path / "none.db").exists()


def test_show_compares_with_what_is_declared_not_with_what_was_given(
    ledger: Ledger, command: Callable[..., Result]
) -> None:
    """A step whose declared size never suffices is told so, though it was given more."""
    short = {"declared_memory_bytes": 512 * MIB}
    ledger.record_all([ran(day, 600, **short) for day in range(1, 21)])

    document = json.loads(command("show", "--json").stdout)

    (step,) = document["steps"]
    assert step["declared_memory_bytes"] == 512 * MIB
    assert step["recommended_memory_bytes"] > 600 * MIB
    assert step["saves_usd_in_30_days"] < 0
    assert document["replay"]["declared"]["first_try_oom_rate"] == 1.0


def test_show_speaks_json(ledger: Ledger, uri: str, command: Callable[..., Result]) -> None:
    """A program gets what a person sees, the size in force included."""
    ledger.record_all(a_month())
    row = {"pipeline": "morning_analytics", "step": "extract_web", "job": "extract-web"}
    with make_engine(uri).begin() as connection:
        connection.execute(
            applied_size.insert().values(
                **row, applied_at=NOW, mode="apply", memory_bytes=1600 * MIB, why="a test"
            )
        )

    document = json.loads(command("show", "--json", "--price-per-gib-hour", "1").stdout)

    (step,) = document["steps"]
    assert step["in_force_memory_bytes"] == 1600 * MIB
    assert 700 * MIB < step["recommended_memory_bytes"] < 1300 * MIB
    saved = (DECLARED - step["recommended_memory_bytes"]) / 2**30
    assert step["saves_usd_in_30_days"] == pytest.approx(saved * 31, rel=0.05)
    assert document["replay"]["ours"]["attempts"] >= 31


def test_replay_prints_every_policy(tmp_path: Path) -> None:
    """From the generator through the file to the figures, as two commands of a shell."""
    file = tmp_path / "trace.csv"
    made = program("traces", "generate", str(file), "--steps", "20", "--seed", "9")
    with file.open("a", encoding="utf-8", newline="") as more:
        csv.writer(more).writerow(["bad", 1, -7, 2**30, "", 60])

    done = program("replay", str(file))

    assert "runs of 20 steps" in made.stdout
    document = json.loads(done.stdout)
    assert list(document["policies"]) == list(POLICIES)
    assert document["set_aside"]["rows"] == 1
    assert "peak_bytes is negative" in done.stderr
    for figures in document["policies"].values():
        total = figures["useful_gb_hours"] + figures["wasted_gb_hours"]
        assert figures["reserved_gb_hours"] == pytest.approx(total, abs=1e-5)
        assert figures["attempts"] >= document["runs"]


def test_a_mistake_in_an_option_is_told(tmp_path: Path) -> None:
    """The message names the option, what it takes and what came."""
    for words in (
        ("replay", str(tmp_path / "x.csv"), "--policy", "guess"),
        ("traces", "generate", str(tmp_path / "x.csv"), "--shape", "square"),
        ("traces", "generate", str(tmp_path / "x.csv"), "--rhythm", "waltz"),
        ("traces", "generate", str(tmp_path / "x.csv"), "--most-runs", "2"),
    ):
        done = program(*words)

        assert done.returncode == 78
        assert words[-2] in done.stderr
        assert "Traceback" not in done.stderr
