"""The command line: every command is there, documented, and cheap to start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stationmaster.cli import COMMANDS

ROOT = Path(__file__).parents[2]


def stationmaster(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    code = "from stationmaster.cli import main; main()"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    """Each command says what it does and what it takes."""
    done = stationmaster(command, "--help")

    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_docs(command: str) -> None:
    """The README or a page of docs shows how each command is called."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]

    assert any(f"stationmaster {command}" in page.read_text(encoding="utf-8") for page in pages)


def test_a_command_that_is_ended_cleans_up(tmp_path: Path) -> None:
    """SIGTERM unwinds it, as Ctrl-C does: no temporary folder stays, and the exit code says why."""
    code = "from stationmaster.cli import COMMANDS, main;"
    code += "COMMANDS['wait'] = 'tests.cli.waiting:wait'; main()"
    command = [sys.executable, "-c", code, "wait"]
    variables = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, cwd=ROOT, env=variables, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"waiting\n"
        assert list(tmp_path.iterdir())
        process.terminate()
        ended = process.wait()

    assert ended == 143
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_command_is_refused() -> None:
    """A typing mistake ends with 2 and names what was typed."""
    done = stationmaster("runstep")

    assert done.returncode == 2
    assert "runstep" in done.stderr


def test_an_error_reads_as_what_was_expected_what_came_and_what_to_do() -> None:
    """Nobody is shown a traceback for a mistake of their own."""
    done = stationmaster("run-step", "extract-wep", "--date", "2011-11-21")

    assert done.returncode == 78
    assert "job 'extract-wep'" in done.stderr
    assert "expected: one of the jobs" in done.stderr
    assert "Did you mean extract-web" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_package_is_named_with_its_extra() -> None:
    """In the platform's image, which has no polars, nobody is shown a traceback either."""
    code = (
        "import sys; sys.modules['polars'] = None; "
        "from stationmaster.cli import main; "
        "sys.argv = ['stationmaster', 'sizes', '--help']; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "needs polars" in done.stderr
    assert "stationmaster[sizes]" in done.stderr
    assert "Traceback" not in done.stderr


def test_running_a_step_loads_no_table_library() -> None:
    """Only the step's own process pays for polars and pyiceberg, not the command that starts it."""
    code = (
        "import sys; from stationmaster.cli import LazyCommands;"
        "LazyCommands(name='x').get_command(None, 'run-step');"
        "print(sorted({'polars', 'pyiceberg', 'airflow'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
