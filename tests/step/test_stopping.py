"""A stop interrupts the job's function, and nothing else."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING

import pytest

from stationmaster.step import Outputs, StepStoppedError, job
from stationmaster.step.protocol import OutputRef, ResultStatus
from stationmaster.step.report import StepReport
from stationmaster.step.runner import StepRun
from stationmaster.step.settings import Settings
from stationmaster.step.stopping import StopSignal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stationmaster.step.protocol import StepContext


@pytest.fixture(name="stop")
def _stop() -> Iterator[StopSignal]:
    stop = StopSignal()
    with stop.installed():
        yield stop


def _terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_a_stop_unwinds_the_function_and_its_finally(stop: StopSignal) -> None:
    """`except Exception` does not hold it up; `finally` cleans up."""
    seen: list[str] = []

    def work() -> None:
        with stop.interruptible():
            try:
                with contextlib.suppress(Exception):
                    _terminate()
                seen.append("went on")
            finally:
                seen.append("cleaned up")

    with pytest.raises(StepStoppedError, match=r"got SIGTERM\. Run the step again"):
        work()
    assert seen == ["cleaned up"]


def test_a_stop_outside_of_the_function_waits(stop: StopSignal) -> None:
    """While the runner publishes or cleans up, a request is only remembered."""
    _terminate()
    _terminate()

    assert stop.requested == "SIGTERM"
    with pytest.raises(StepStoppedError), stop.interruptible():
        pytest.fail("the next function must not even begin")


def test_a_second_sigterm_does_not_break_the_clean_up_off(stop: StopSignal) -> None:
    """The function's own clean-up runs to its end."""
    seen: list[str] = []

    def work() -> None:
        with stop.interruptible():
            try:
                _terminate()
            finally:
                _terminate()
                stop.remind()
                seen.append("cleaned up")

    with pytest.raises(StepStoppedError):
        work()
    assert seen == ["cleaned up"]


def test_handlers_are_put_back() -> None:
    """A program that runs a job and goes on keeps its own signal handling."""
    before = signal.getsignal(signal.SIGTERM)

    with StopSignal().installed():
        assert signal.getsignal(signal.SIGTERM) != before

    assert signal.getsignal(signal.SIGTERM) == before


def test_a_step_that_got_to_publishing_is_done(
    stop: StopSignal, context: StepContext, tmp_path: Path
) -> None:
    """SIGTERM between two outputs does not leave one of them published alone."""

    @job
    def run(outputs: Outputs) -> None:
        outputs.write_file("one", "index.html", b"1")
        outputs.write_file("two", "index.html", b"2")

    report = _TerminatesAtFirstOutput(None)
    settings = Settings(home=tmp_path, reports=str(tmp_path / "reports"))

    code, result = StepRun(report, stop).run(lambda: run, lambda: context, lambda: settings)

    assert stop.requested == "SIGTERM"
    assert code == 0
    assert result.status is ResultStatus.DONE
    assert [ref.dataset for ref in result.outputs] == ["one", "two"]


class _TerminatesAtFirstOutput(StepReport):
    """Ask the step to stop at the moment when its first output is published."""

    def add_output(self, ref: OutputRef) -> None:
        """Add the output, then send SIGTERM."""
        super().add_output(ref)
        _terminate()
