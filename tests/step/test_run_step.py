"""One step by hand: the same job, the same contract, and a summary that a person likes."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from stationmaster.step import MisconfiguredError, StepError
from stationmaster.step.jobfile import find_jobs, load_job, local_command
from stationmaster.step.run_step import new_try_id, run_step, run_step_command

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from typer.testing import Result


@pytest.fixture(name="jobs")
def _jobs(
    fixtures: Path, tmp_path: Path, variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Point the environment at the fixture jobs and a home of the test's own."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    jobs = tmp_path / "jobs"
    shutil.copytree(fixtures / "jobs", jobs)
    monkeypatch.setenv("STATIONMASTER_JOBS", str(jobs))
    return jobs


def _command(*words: str) -> Result:
    app = typer.Typer()
    app.command()(run_step_command)
    return CliRunner().invoke(app, list(words))


@pytest.mark.usefixtures("jobs")
def test_a_step_by_hand_streams_its_log_and_ends_in_a_summary(tmp_path: Path) -> None:
    """Params on top of job.yaml's; the output, seconds and memory in two lines."""
    ended = _command("hello-files", "--date", "2011-11-21", "--param", "name=Ada")

    assert ended.exit_code == 0, ended.output
    lines = ended.output.splitlines()
    assert any("INFO    Greeted Ada on 2011-11-21" in line for line in lines)
    assert re.fullmatch(r"hello-files 2011-11-21: done in \d+\.\d s, peak memory \d+ MB", lines[-2])
    assert lines[-1].startswith("  greeting 2011-11-21: 1 files, file://")
    assert (tmp_path / "reports/greeting/2011-11-21/hello.txt").read_text() == "Hello Ada\n"


@pytest.mark.usefixtures("jobs")
def test_a_range_of_days_runs_one_after_the_other(tmp_path: Path) -> None:
    """--to is the last day; job.yaml's own params are the defaults."""
    ended = _command("hello-files", "--date", "2011-11-29", "--to", "2011-12-01")

    assert ended.exit_code == 0, ended.output
    days = sorted(path.name for path in (tmp_path / "reports/greeting").glob("2011*"))
    assert days == ["2011-11-29", "2011-11-30", "2011-12-01"]
    assert (tmp_path / "reports/greeting/2011-12-01/hello.txt").read_text() == "Hello jobs\n"


@pytest.mark.usefixtures("jobs")
def test_a_failed_step_ends_in_three_lines_and_its_own_exit_code() -> None:
    """The thing; what was expected and came; what to do next."""
    ended = _command("hello-files", "--date", "2011-11-21", "--param", "then=unavailable")

    assert ended.exit_code == 69
    assert ended.output.splitlines()[-3:] == [
        "hello-files 2011-11-21: UpstreamUnavailableError (exit code 69): support API /tickets",
        "  expected status 200, got 503",
        "  next:     Wait for it.",
    ]


@pytest.mark.usefixtures("jobs")
def test_sigterm_of_the_command_stops_its_step(
    tmp_path: Path, running_steps: Callable[[], list[str]]
) -> None:
    """No step is left behind by the one who watched it, and nothing is published."""
    script = "from stationmaster.cli import main; main()"
    words = ["run-step", "hello-files", "--date", "2011-11-21", "--param", "then=wait"]
    with subprocess.Popen(
        [sys.executable, "-c", script, *words],
        stdout=subprocess.PIPE,
        text=True,
    ) as command:
        assert command.stdout is not None
        while "Greeted" not in command.stdout.readline():
            pass
        before = running_steps()
        command.terminate()

    assert command.returncode == 143
    assert before == [f"{sys.executable} -m hello_files"]
    assert running_steps() == []
    assert list((tmp_path / "reports").rglob("*.txt")) == []


@pytest.mark.usefixtures("jobs")
def test_a_step_that_ends_without_a_word_is_no_success() -> None:
    """Exit code 0 of a process that never said done becomes 1."""
    ended = _command("hello-files", "--date", "2011-11-21", "--param", "then=die")

    assert ended.exit_code == 1
    assert "StepEndedEarly" in ended.output


@pytest.mark.usefixtures("jobs")
def test_shards_run_side_by_side_and_their_lines_are_marked(tmp_path: Path) -> None:
    """Each shard is a process of its own that knows its part."""
    (tmp_path / "landing/lines/2011-11-21").mkdir(parents=True)
    (tmp_path / "landing/lines/2011-11-21/lines.txt").touch()

    ended = _command("count-lines", "--date", "2011-11-21", "--shards", "2")

    assert ended.exit_code == 0, ended.output
    assert "[shard 1 of 2] INFO counting 2011-11-21" in ended.output
    assert "[shard 2 of 2] INFO counting 2011-11-21" in ended.output


@pytest.mark.usefixtures("jobs")
def test_files_cannot_be_written_by_shards() -> None:
    """A file set is replaced as a whole: two shards would undo each other's."""
    ended = _command("hello-files", "--date", "2011-11-21", "--shards", "2")

    assert ended.exit_code == 78
    assert "expected a step that is not split, got 2 shards" in ended.output


@pytest.mark.usefixtures("jobs")
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["hello-flies", "--date", "2011-11-21"], "Did you mean hello-files?"),
        (["nothing", "--date", "2011-11-21"], "one of the jobs in .*: count-lines, hello-files"),
        (["hello-files", "--date", "21.11.2011"], 'like 2011-11-21, got "21.11.2011"'),
        (["hello-files", "--date", "2999-01-01"], "business date 2999-01-01: expected no later"),
        (["hello-files", "--date", "2011-11-21", "--to", "2011-11-20"], "Swap the dates"),
        (["hello-files", "--date", "2011-11-21", "--param", "name"], "expected name=value"),
    ],
)
def test_a_command_that_makes_no_sense_is_a_sentence(words: list[str], sentence: str) -> None:
    """Unknown job, unknown date, future date, params: exit code 78 before anything starts."""
    ended = _command(*words)

    assert isinstance(ended.exception, StepError)
    assert ended.exception.exit_code == 78
    assert re.search(sentence, str(ended.exception))


def test_a_step_can_be_run_from_python(jobs: Path) -> None:
    """The outcome holds the result; a param that the job does not know ends with 78."""
    job = load_job(jobs, "hello-files")
    lines: list[str] = []

    outcomes = run_step(job.name, _day(), {"title": "x"}, on_line=lines.append)

    assert [outcome.exit_code for outcome in outcomes] == [78]
    assert outcomes[0].failure is not None
    assert outcomes[0].failure.where == "param `title` of Hello"


def test_a_job_without_a_function_ends_by_hand_with_its_reason(jobs: Path) -> None:
    """The package is there, the function is not: misconfigured, never retried."""
    folder = jobs / "no-function"
    folder.mkdir()
    command = "[python, -m, stationmaster.step, no_function]"
    (folder / "job.yaml").write_text(
        f"name: no-function\nsummary: Nothing.\nowner: me\ncommand: {command}\n"
    )

    ended = _command("no-function", "--date", "2011-11-21")

    assert ended.exit_code == 78
    assert "JobFunctionError (exit code 78): module no_function.job" in ended.output


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name: other-name\nsummary: s\nowner: o\n", "expected `name: odd`, as its folder"),
        ("name: odd\nsummary: s\n", "got Field required at `owner`"),
        ("name: odd\nsummary: s\nowner: o\nsize: huge\n", "at `size`"),
        ("name: odd\nsummary: s\nowner: o\nmemory: 3\n", "not permitted at `memory`"),
        ("name: [", "expected a YAML file"),
    ],
)
def test_a_job_file_that_cannot_be_used_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    """The message names the file, the field and what is wrong with it."""
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd/job.yaml").write_text(text)

    with pytest.raises(MisconfiguredError) as caught:
        load_job(tmp_path, "odd")

    assert sentence in str(caught.value)
    assert "odd/job.yaml" in caught.value.where


def test_jobs_are_found_with_their_defaults(fixtures: Path) -> None:
    """The command follows from the name where none is given."""
    count, hello = find_jobs(fixtures / "jobs")

    assert count.command == ("sh", "count-lines.sh")
    assert hello.command == ("python", "-m", "hello_files")
    assert (hello.size, hello.timeout_minutes) == ("xs", 60)


def test_a_job_in_another_language_names_its_script_beside_job_yaml(
    jobs: Path, tmp_path: Path
) -> None:
    """`command: [sh, count-lines.sh]` means the file in the job's folder, wherever it is called."""
    (tmp_path / "landing/lines/2011-11-21").mkdir(parents=True)
    (tmp_path / "landing/lines/2011-11-21/lines.txt").write_text("one\n")

    ended = _command("count-lines", "--date", "2011-11-21")

    assert ended.exit_code == 0, ended.output
    assert ended.output.splitlines()[-1].startswith("  line_count 2011-11-21: 1 files")
    assert (
        local_command(load_job(jobs, "count-lines"), jobs)[1]
        == f"{jobs}/count-lines/count-lines.sh"
    )


def test_try_ids_are_unique_and_sort_by_time() -> None:
    """Each run by hand is a try of its own; ids are version 7 UUIDs."""
    ids = [new_try_id() for _ in range(1000)]

    assert len(set(ids)) == 1000
    assert [one[:11] for one in ids] == sorted(one[:11] for one in ids)
    assert all(one[14] == "7" for one in ids)


def _day() -> dt.date:
    return dt.date(2011, 11, 21)
