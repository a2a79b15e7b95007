"""The scheduler's end of the pipe to its launcher; nothing here waits."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final

import structlog
from pydantic import ValidationError

from stationmaster.airflow.launcher.messages import ReportKind, Stop, read_report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel

    from stationmaster.airflow.launcher.messages import Report

__all__ = ["LAUNCHER", "LauncherHandle"]

LAUNCHER: Final = (sys.executable, "-m", "stationmaster.airflow.launcher")
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0
STEADY_SECONDS: Final = 60.0
PIECE: Final = 1 << 16

log = structlog.get_logger(__name__)


class LauncherHandle:
    """Keep one launcher process running, and pass lines both ways.

    A launcher that dies is started again by `keep`, later each time while it dies quickly.

    Args:
        command: What to start; this process's id is added to it.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._unsent = b""
        self._unread = b""
        self._pause = FIRST_PAUSE
        self._not_before = 0.0
        self._started = 0.0

    @property
    def pid(self) -> int | None:
        """Return the launcher's process id while there is one."""
        return None if self._process is None else self._process.pid

    def keep(self) -> bool:
        """Start the launcher where none runs; tell whether this one is new: it knows no order."""
        if self._process is not None:
            code = self._process.poll()
            if code is None:
                return False
            self._forget(code)
        if time.monotonic() < self._not_before:
            return False
        self._start()
        return True

    def send(self, message: BaseModel) -> None:
        """Hand over a message; what the pipe does not take now goes later."""
        self._unsent += message.model_dump_json().encode() + b"\n"
        self._flush()

    def receive(self) -> list[Report]:
        """Return what the launcher has reported since the last time."""
        self._flush()
        if self._process is None or self._process.stdout is None:
            return []
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(self._process.stdout.fileno(), PIECE):
                self._unread += piece
        *lines, self._unread = self._unread.split(b"\n")
        reports = [report for line in lines if (report := _read(line))]
        return [each for each in reports if each.kind is not ReportKind.READY]

    def stop(self, patience_seconds: float) -> None:
        """End the launcher; pods stay as they are."""
        if self._process is None:
            return
        self.send(Stop())
        try:
            self._process.wait(patience_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _start(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 (this interpreter, our own module)
            [*self._command, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
        self._started = time.monotonic()
        self._unsent = self._unread = b""
        log.info("Launcher started", pid=self._process.pid)

    def _forget(self, code: int) -> None:
        lived = time.monotonic() - self._started
        self._pause = FIRST_PAUSE if lived > STEADY_SECONDS else self._pause * 2
        self._pause = min(self._pause, LONGEST_PAUSE)
        self._not_before = time.monotonic() + (0.0 if lived > STEADY_SECONDS else self._pause)
        log.error("Launcher ended; steps go on without it", code=code, starts_again_in=self._pause)
        process, self._process = self._process, None
        for pipe in (process.stdin, process.stdout) if process else ():
            if pipe is not None:
                pipe.close()

    def _flush(self) -> None:
        if self._process is None or self._process.stdin is None:
            return
        try:
            while self._unsent:
                sent = os.write(self._process.stdin.fileno(), self._unsent)
                self._unsent = self._unsent[sent:]
        except BlockingIOError:
            return
        except OSError:
            self._unsent = b""  # it died: `keep` notices, and all orders are sent again


def _read(line: bytes) -> Report | None:
    """Return a report; a line that is none costs itself, never the scheduler."""
    try:
        return read_report(line)
    except ValidationError:
        log.error("The launcher wrote a line that is no report", line=line[:200])  # noqa: TRY400 (the line says it)
        return None
