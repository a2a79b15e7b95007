"""A step's process is started, followed and ended by the contract, whatever it does."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from stationmaster.step import MisconfiguredError
from stationmaster.step.process import StepProcess, run_process
from stationmaster.step.protocol import ResultStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from stationmaster.step.protocol import StepContext
    from tests.step.conftest import RunHello

HELLO = (sys.executable, "-m", "hello_files")


def test_a_step_that_returns_is_done_and_its_output_is_there(
    hello: RunHello, tmp_path: Path
) -> None:
    """Exit code 0, status done, the published file, and one line of log an event."""
    outcome, log = hello(name="Ada")

    assert outcome.done
    assert outcome.failure is None
    assert outcome.result is not None
    assert outcome.result.outputs[0].uri == f"file://{tmp_path}/reports/greeting/2011-11-21/"
    assert (tmp_path / "reports/greeting/2011-11-21/hello.txt").read_text() == "Hello Ada\n"
    assert any(line.endswith("INFO    Greeted Ada on 2011-11-21") for line in log)


@pytest.mark.parametrize(
    ("then", "code", "failure"),
    [
        ("raise", 1, "LookupError: no such thing!!"),
        ("unavailable", 69, "UpstreamUnavailableError: .*expected status 200, got 503. Wait"),
        ("full", 75, r"StorageFullError: .*\[Errno 28\] No space left on device. Free space"),
        ("memory", 1, "MemoryError: The step ran out of memory"),
        ("exit", 1, "SystemExit: 0"),
        ("die", 0, "StepEndedEarly: .*exit code 0. Its last word: phase running hello_files"),
    ],
)
def test_each_way_to_fail_has_its_exit_code_and_its_reason(
    hello: RunHello, tmp_path: Path, then: str, code: int, failure: str
) -> None:
    """Nothing is published, and neither sys.exit(0) nor a sudden end is taken for done."""
    outcome, _ = hello(then=then)

    assert not outcome.done
    assert outcome.exit_code == code
    assert outcome.failure is not None
    assert re.match(failure, f"{outcome.failure.kind}: {outcome.failure.message}")
    assert not (tmp_path / "reports/greeting/2011-11-21").exists()


def test_a_failure_of_the_steps_own_prints_its_traceback(hello: RunHello) -> None:
    """The author sees the line; the result names it; a long message is cut honestly."""
    outcome, log = hello(then="raise")

    assert "Traceback (most recent call last):" in log
    assert outcome.result is not None
    assert outcome.result.error is not None
    assert "hello_files/job.py" in outcome.result.error.where
    assert outcome.result.truncated == ("error.message",)


def test_the_whole_of_a_shortened_result_is_kept(hello: RunHello, tmp_path: Path) -> None:
    """What did not fit is in the file that the result names."""
    outcome, _ = hello(then="raise")
    assert outcome.result is not None
    uri = outcome.result.full_result_uri or ""

    whole = (tmp_path / "home/results").rglob("*.json")

    assert [path.as_uri() for path in whole] == [uri]
    assert "!" * 20_000 in next((tmp_path / "home/results").rglob("*.json")).read_text()


@pytest.mark.parametrize("then", ["wait", "swallow"])
def test_sigterm_stops_a_step_cleanly(
    context: StepContext, variables: Mapping[str, str], tmp_path: Path, then: str
) -> None:
    """Status stopped, exit code 143, the staging gone: also when the job swallows exceptions."""
    told = context.model_copy(update={"params": {"then": then}})
    with StepProcess(told, HELLO, env=variables, grace_seconds=30) as process:
        outcome = process.wait(lambda line: process.stop() if "Greeted" in line else None)

    assert outcome.exit_code == 143
    assert outcome.stop_requested
    assert outcome.result is not None
    assert outcome.result.status is ResultStatus.STOPPED
    assert outcome.failure is not None
    assert outcome.failure.message.startswith("step: expected to run to its end, got SIGTERM.")
    assert list((tmp_path / "reports/greeting").rglob("*.txt")) == []


def test_a_stuck_step_is_killed_and_publishes_nothing(
    context: StepContext, variables: Mapping[str, str], tmp_path: Path
) -> None:
    """After the grace period SIGKILL: its last word says where it was; no reader sees a thing."""
    told = context.model_copy(update={"params": {"then": "stuck"}})
    with StepProcess(told, HELLO, env=variables, grace_seconds=1) as process:
        outcome = process.wait(lambda line: process.stop() if "Stuck" in line else None)

    assert outcome.exit_code == 137
    assert outcome.failure is not None
    assert "exit code 137 (SIGKILL). Its last word: phase running" in outcome.failure.message
    assert not (tmp_path / "reports/greeting/2011-11-21").exists()


def test_a_killed_step_leaves_its_last_word(
    context: StepContext, variables: Mapping[str, str]
) -> None:
    """Kill -9, as the kernel does when memory runs out: phase and peak memory are known."""
    told = context.model_copy(update={"params": {"then": "wait"}})
    with StepProcess(told, HELLO, env=variables) as process:
        outcome = process.wait(
            lambda line: os.kill(process.pid, signal.SIGKILL) if "Greeted" in line else None
        )

    assert outcome.exit_code == 137
    assert not outcome.stop_requested
    assert outcome.result is not None
    assert outcome.result.status is ResultStatus.RUNNING
    assert outcome.result.phase == "running hello_files.job.run for 2011-11-21"
    assert outcome.result.measurements.peak_memory_bytes > 10_000_000


def test_an_exception_of_the_watcher_ends_the_step(
    context: StepContext, variables: Mapping[str, str], running_steps: Callable[[], list[str]]
) -> None:
    """Ctrl-C, or Airflow's timeout, leaves no step behind."""
    told = context.model_copy(update={"params": {"then": "wait"}})

    def interrupt(_line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_process(told, HELLO, on_line=interrupt, env=variables, grace_seconds=10)

    assert running_steps() == []


def test_a_grandchild_that_keeps_the_log_open_does_not_hold_the_step_up(hello: RunHello) -> None:
    """The step has ended when its own process has; what it left behind is killed."""
    outcome, _ = hello(then="grandchild")

    assert outcome.done


def test_a_step_can_be_stopped_from_another_thread(
    context: StepContext, variables: Mapping[str, str]
) -> None:
    """As Airflow's on_kill does."""
    told = context.model_copy(update={"params": {"then": "wait"}})
    with StepProcess(told, HELLO, env=variables) as process:
        timer = threading.Timer(1.5, process.stop)
        timer.start()
        outcome = process.wait(lambda _line: None)

    assert outcome.exit_code == 143


def test_long_and_broken_lines_of_a_log_come_through(context: StepContext) -> None:
    """Bytes that are no UTF-8, a carriage return, a last line without its end."""
    lines: list[str] = []
    script = r"printf 'caf\303\251\r\n\377\n'; printf 'x%.0s' $(seq 70000); printf '\nlast'"

    outcome = run_process(context, ["sh", "-c", script], on_line=lines.append)

    assert lines[:2] == ["café", "\N{REPLACEMENT CHARACTER}"]
    assert "".join(lines[2:-1]) == "x" * 70_000
    assert lines[-1] == "last"
    assert outcome.done


def test_a_foreign_result_that_breaks_the_protocol_is_no_success(context: StepContext) -> None:
    """Exit code 0 beside rubbish in the result file is not taken for done."""
    script = 'printf "all good" > "$STATIONMASTER_RESULT"'

    outcome = run_process(context, ["sh", "-c", script], on_line=print)

    assert not outcome.done
    assert outcome.failure is not None
    assert "breaks protocol version 1 at `document`: Invalid JSON" in outcome.failure.message


def test_a_command_that_is_not_there_is_misconfigured(context: StepContext) -> None:
    """The message names the command and where it is written."""
    with pytest.raises(MisconfiguredError, match=r"command \['no-such-program'\].*job.yaml"):
        run_process(context, ["no-such-program"], on_line=print)


def test_params_that_no_variable_can_hold_are_named(context: StepContext) -> None:
    """Not the command is wrong: the message tells the size, the limit and the way out."""
    told = context.model_copy(update={"params": {"ids": "x" * 200_000}})

    with pytest.raises(MisconfiguredError, match=r"of the step \(200,\d+ bytes\)") as caught:
        run_process(told, ["true"], on_line=print)

    assert "pass its name" in caught.value.hint


def test_a_late_stop_of_a_step_that_has_ended_changes_nothing(context: StepContext) -> None:
    """Its process number may belong to somebody else by then."""
    with StepProcess(context, ["true"]) as process:
        outcome = process.wait(print)
        process.stop()

    assert outcome.done


def test_a_result_place_that_is_full_or_absent_is_found_before_any_work(
    context: StepContext, variables: Mapping[str, str], tmp_path: Path
) -> None:
    """A full disk is temporary (75), a folder that is not there misconfigured (78)."""
    for place, code in (("/dev/full", 75), (f"{tmp_path}/absent/result.json", 78)):
        script = f"STATIONMASTER_RESULT={place} exec {' '.join(HELLO)}"
        lines: list[str] = []

        outcome = run_process(context, ["sh", "-c", script], on_line=lines.append, env=variables)

        assert outcome.exit_code == code
        assert "Greeted" not in "\n".join(lines)
        assert place in "\n".join(lines)
