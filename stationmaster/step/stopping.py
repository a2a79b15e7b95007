"""Stop cleanly on SIGTERM: between two bytecodes of the job's function, and only there.

What is raised in the function is no `Exception`, as KeyboardInterrupt is none: `logging`, and
many a retry loop, swallow every Exception, and the stop with it. A job cleans up in `finally`.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from typing import TYPE_CHECKING, Final

from stationmaster.step.errors import StepStoppedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

__all__ = ["StopSignal", "sigterm_unwinds"]

_REMIND_SECONDS: Final = 10.0


@contextlib.contextmanager
def sigterm_unwinds() -> Iterator[None]:
    """Let SIGTERM end this process as Ctrl-C does: steps are stopped, and nothing is left behind.

    Must be entered in the main thread. Who listens to SIGTERM by itself meanwhile goes on doing so.
    """

    def unwind(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, unwind)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _StopNow(BaseException):
    """Unwind the job's function."""


class StopSignal:
    """Remember a request to stop, and raise it where the step can be interrupted.

    While the runner cleans up or publishes, nothing is raised: a publish of several datasets is
    not left half way, and a second SIGTERM cannot break a clean-up off.
    """

    def __init__(self) -> None:
        self.requested = ""
        """Name of the signal that asked; empty when none did."""
        self._interruptible = False
        self._raised_at = -_REMIND_SECONDS

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Listen to SIGTERM and SIGINT; must be entered in the main thread."""
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        for number in before:
            signal.signal(number, self._receive)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextlib.contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let a request raise in here; also one that came before, or that was swallowed inside.

        Raises:
            StepStoppedError: The step was asked to stop.
        """
        self._interruptible = True
        try:
            self.check()
            yield
            # A stop that the function swallowed is not lost.
            self.check()
        except _StopNow:
            self.check()
        finally:
            self._interruptible = False

    def check(self) -> None:
        """Raise when the step was asked to stop.

        Raises:
            StepStoppedError: It was.
        """
        if self.requested:
            raise StepStoppedError(
                where="step",
                expected="to run to its end",
                got=self.requested,
                hint="Run the step again: what it had staged is dropped, and no reader saw it.",
            )

    def remind(self) -> None:
        """Ask again when the first request got lost, such as in an object's `__del__`.

        Callable from any thread.
        """
        overdue = time.monotonic() - self._raised_at > _REMIND_SECONDS
        if self.requested and self._interruptible and overdue:
            main = threading.main_thread().ident
            if main is not None:
                signal.pthread_kill(main, signal.SIGTERM)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        self.requested = self.requested or signal.Signals(number).name
        overdue = time.monotonic() - self._raised_at > _REMIND_SECONDS
        if self._interruptible and overdue:
            self._raised_at = time.monotonic()
            raise _StopNow
