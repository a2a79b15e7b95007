"""Keep all that a step prints, native code and child processes too, in the log store.

A small process beside the step reads the pipe that stdout and stderr have become, strikes secrets
out, hands the bytes on to where stdout went before, and writes chunks. A process, not a thread:
native code that prints while it holds Python's lock would wait for ever for a thread that needs
the lock to read. When that process dies the step goes on, with its output where it was before.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import threading
import time
import traceback
import warnings
from typing import TYPE_CHECKING, Final

from stationmaster.step.incoming import parse_context
from stationmaster.step.logs.carrier import (
    END,
    LONGEST_END_SECONDS,
    STOP,
    STOPPED_SECONDS,
    LogCarrier,
    write_all,
)
from stationmaster.step.processtree import leave_out
from stationmaster.step.protocol import CONTEXT_VARIABLE
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stationmaster.step.protocol import StepContext

__all__ = ["captured_output"]

_PIPE_BYTES: Final = 1 << 20
"""The most that Linux gives to everybody (/proc/sys/fs/pipe-max-size)."""


@contextlib.contextmanager
def captured_output(stop_requested: Callable[[], bool]) -> Iterator[None]:
    """Keep what is printed in here when STATIONMASTER_LOGS is set; waits, bounded, at the end.

    Whatever is wrong with the log store, or with these settings, never fails the step.

    Args:
        stop_requested: Tells whether the step was asked to stop, so that the end is short.
    """
    pump = None
    with contextlib.suppress(Exception):  # a wrong context is the runner's to tell
        settings = Settings()
        if settings.logs:
            pump = _Pump(settings, parse_context(os.environ.get(CONTEXT_VARIABLE)))
    try:
        yield
    finally:
        if pump is not None:
            pump.end(stop_requested)


class _Pump:
    """Start the process, watch it, and end it."""

    def __init__(self, settings: Settings, context: StepContext) -> None:
        _flush()
        self._read_end, write_end = os.pipe()
        told, self._tell = os.pipe()
        with contextlib.suppress(OSError):
            fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._originals = {number: os.dup(number) for number in (1, 2)}
        parent = os.getpid()
        with warnings.catch_warnings():
            # The child runs no code of the threads that libraries may have started.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            try:
                os.close(write_end)
                os.close(self._tell)
                LogCarrier(settings, context, self._read_end, told, parent).run()
            except BaseException:  # noqa: BLE001 (a forked child must not go on as its parent)
                traceback.print_exc()
            finally:
                os._exit(0)
        leave_out(pid)
        os.close(told)
        for number in self._originals:
            os.dup2(write_end, number)
        os.close(write_end)
        with contextlib.suppress(AttributeError, ValueError):
            # A pipe is no terminal: without this, what is printed would come in blocks.
            sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        self._pid = pid
        self._gone = threading.Event()
        threading.Thread(target=self._wait, name="stationmaster-log", daemon=True).start()

    def end(self, stop_requested: Callable[[], bool]) -> None:
        """Let it write the rest, as long as that may take, and give stdout back."""
        _flush()
        self._restore()
        longest = LONGEST_END_SECONDS
        word = STOP if stop_requested() else END
        # A process that is gone needs no word.
        with contextlib.suppress(OSError):
            os.write(self._tell, word)
        os.close(self._tell)
        started = time.monotonic()
        while not self._gone.wait(0.5) and time.monotonic() - started < longest:
            if stop_requested():
                longest = min(longest, time.monotonic() - started + STOPPED_SECONDS)
        if not self._gone.is_set():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)

    def _restore(self) -> None:
        for number, original in self._originals.items():
            os.dup2(original, number)

    def _wait(self) -> None:
        """Wait for its end; when that comes too early, take its place as far as stdout goes."""
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)
        self._restore()
        self._gone.set()
        with contextlib.suppress(OSError):
            while data := os.read(self._read_end, _PIPE_BYTES):
                write_all(self._originals[1], data)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
