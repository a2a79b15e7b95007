"""Start a step as a local process by the contract; the laptop's and the process runtime's way.

Light on purpose: Airflow's workers import it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from stationmaster.step.errors import MisconfiguredError, ResultError
from stationmaster.step.linestream import LineStream
from stationmaster.step.protocol import (
    CONTEXT_VARIABLE,
    RESULT_VARIABLE,
    ResultStatus,
    StepContext,
    StepFailure,
    StepResult,
)
from stationmaster.step.resultfile import read_result

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

__all__ = ["ProcessOutcome", "StepProcess", "run_process"]


@dataclass(frozen=True)
class ProcessOutcome:
    """Hold how a step's process ended and what it said of itself."""

    exit_code: int
    """As a shell reports it: 128 + the signal's number for a process that a signal ended."""
    result: StepResult | None
    """None when the step left no result, or one that breaks the protocol."""
    result_problem: str = ""
    """Why `result` is None although the step wrote something."""
    stop_requested: bool = False
    """Somebody called `stop`: the end is our doing, not the step's."""

    @property
    def done(self) -> bool:
        """Tell whether the step finished: exit code 0 and no word of its own against it.

        A foreign image that exits with 0 and writes no result is done as well.
        """
        if self.exit_code != 0 or self.result_problem:
            return False
        return self.result is None or self.result.status is ResultStatus.DONE

    @property
    def failure(self) -> StepFailure | None:
        """Return the step's own error, or what can be told from outside; None when done."""
        if self.done:
            return None
        if self.result is not None and self.result.error is not None:
            return self.result.error
        return _failure_seen_from_outside(self)


class StepProcess:
    """Run one step as a process of its own session; a context manager that never leaves it behind.

    Args:
        context: What the step is told, in `STATIONMASTER_CONTEXT`.
        command: Argument list; a leading `python` means the interpreter that runs this.
        env: Variables on top of this process's own.
        cwd: Working folder; this process's own by default.
        grace_seconds: Time between SIGTERM and SIGKILL.
        result_path: Where the step writes its result; a temporary file by default.

    Raises:
        MisconfiguredError: The command cannot be started.
    """

    def __init__(  # noqa: PLR0913 (one keyword for each thing a container has too)
        self,
        context: StepContext,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        grace_seconds: float = 30.0,
        result_path: Path | None = None,
    ) -> None:
        self._grace_seconds = grace_seconds
        self._kill_at: float | None = None
        self._scratch = tempfile.TemporaryDirectory(prefix="stationmaster-result-")
        self.result_path = result_path or Path(self._scratch.name) / "result.json"
        self.result_path.parent.mkdir(parents=True, exist_ok=True)
        # An older attempt's last word must not pass for this one's.
        self.result_path.unlink(missing_ok=True)
        self.result_path.touch()
        variables = {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            **(env or {}),
            CONTEXT_VARIABLE: context.model_dump_json(),
            RESULT_VARIABLE: str(self.result_path),
        }
        try:
            self._process = _start(command, variables, cwd)
        except BaseException:
            self._scratch.cleanup()
            raise

    @property
    def pid(self) -> int:
        """Return the process id, which is the id of its process group too."""
        return self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop what still runs, so that no step outlives the one who watches it."""
        if self._process.poll() is None:
            self.stop()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(self._grace_seconds)
        self._signal_group(signal.SIGKILL)
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._scratch.cleanup()

    def stop(self) -> None:
        """Send SIGTERM; SIGKILL follows when the grace period is over.

        Callable from a signal handler and from another thread; repeated calls change nothing.
        """
        # The number of a process that was waited for may be another's by now.
        if self._kill_at is None and self._process.returncode is None:
            self._kill_at = time.monotonic() + self._grace_seconds
            self._signal_group(signal.SIGTERM)

    def wait(self, on_line: Callable[[str], None]) -> ProcessOutcome:
        """Hand each line of the step's log on until the step has ended.

        Args:
            on_line: Called in this thread, without the line's end.
        """
        for line in self._lines():
            on_line(line)
        code = self._process.wait()
        result, problem = _read(self.result_path)
        return ProcessOutcome(
            exit_code=code if code >= 0 else 128 - code,
            result=result,
            result_problem=problem,
            stop_requested=self._kill_at is not None,
        )

    def _lines(self) -> LineStream:
        if self._process.stdout is None:
            message = "the process has no log stream"
            raise RuntimeError(message)
        return LineStream(self._process.stdout, self._ended)

    def _ended(self) -> bool:
        """Tell whether the process is gone; kill it when its grace period is over."""
        if self._process.poll() is not None:
            return True
        if self._kill_at is not None and time.monotonic() >= self._kill_at:
            self._signal_group(signal.SIGKILL)
        return False

    def _signal_group(self, number: signal.Signals) -> None:
        # The group may be gone already, or hold only processes that ended.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def run_process(  # noqa: PLR0913 (one keyword for each thing a container has too)
    context: StepContext,
    command: Sequence[str],
    *,
    on_line: Callable[[str], None],
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    grace_seconds: float = 30.0,
    result_path: Path | None = None,
) -> ProcessOutcome:
    """Run a step to its end; an exception in here (SIGINT, `on_line`) stops the step first.

    Args:
        context: What the step is told.
        command: Argument list; a leading `python` means the interpreter that runs this.
        on_line: Called with each line of the step's log as it comes.
        env: Variables on top of this process's own.
        cwd: Working folder; this process's own by default.
        grace_seconds: Time between SIGTERM and SIGKILL.
        result_path: Where the step writes its result; a temporary file by default.

    Raises:
        MisconfiguredError: The command cannot be started.
    """
    process = StepProcess(
        context,
        command,
        env=env,
        cwd=cwd,
        grace_seconds=grace_seconds,
        result_path=result_path,
    )
    with process:
        return process.wait(on_line)


def _start(
    command: Sequence[str], variables: Mapping[str, str], cwd: Path | None
) -> subprocess.Popen[bytes]:
    words = list(command)
    if words and words[0] in {"python", "python3"}:
        words[0] = sys.executable
    try:
        return subprocess.Popen(  # noqa: S603 (starts the command that job.yaml names)
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(variables),
            cwd=cwd,
            # Its own group: a signal reaches the step's children, and not us.
            start_new_session=True,
        )
    except (OSError, IndexError, ValueError) as error:
        if isinstance(error, OSError) and error.errno == errno.E2BIG:
            raise _context_too_large(variables[CONTEXT_VARIABLE]) from error
        raise MisconfiguredError(
            where=f"command {words!r}",
            expected="a program that can be started",
            got=f"{type(error).__name__}: {error}",
            hint="Correct `command` in the job's job.yaml, or install the program it names.",
        ) from error


def _context_too_large(document: str) -> MisconfiguredError:
    return MisconfiguredError(
        where=f"context of the step ({len(document.encode()):,} bytes)",
        expected="what an environment variable can hold: 128 KiB on Linux",
        got="params that are larger",
        hint="Put large parameters into a file or a dataset, and pass its name.",
    )


def _read(path: Path) -> tuple[StepResult | None, str]:
    """Return the result a step left, or None and the reason."""
    try:
        return read_result(path), ""
    except ResultError as error:
        return None, str(error)


def _failure_seen_from_outside(outcome: ProcessOutcome) -> StepFailure:
    """Describe an end that the step itself had no time, or no will, to describe."""
    last_word = "It left no result."
    if outcome.result_problem:
        last_word = outcome.result_problem
    elif outcome.result is not None:
        peak = outcome.result.measurements.peak_memory_bytes / 2**20
        phase = outcome.result.phase or "unknown"
        last_word = f"Its last word: phase {phase}, peak memory {peak:.0f} MB."
    got = f"exit code {outcome.exit_code}"
    if outcome.exit_code > 128:  # noqa: PLR2004 (a shell's base for ends by signal)
        with contextlib.suppress(ValueError):
            got += f" ({signal.Signals(outcome.exit_code - 128).name})"
    return StepFailure(
        kind="StepEndedEarly",
        where="step process",
        expected="exit code 0 and a result that says done",
        got=f"{got}. {last_word}",
        hint="Read the end of the step's log; for SIGKILL look for an out-of-memory kill.",
        message=f"The step's process ended with {got}. {last_word}",
    )
