"""What a failed step raises in Airflow, as one tree.

    AirflowException
    └── StepFailedError                  the step's own failure: Airflow's retries decide
        ├── StepContractBrokenError  65  never retried (AirflowFailException)
        ├── StepMisconfiguredError   78  never retried (AirflowFailException)
        ├── StepSupersededError       1  never retried: a newer attempt has published
        ├── StepUnavailableError     69  retried, later each time (StepRetryPolicy)
        ├── StepTemporaryError       75  retried
        ├── StepKilledError     128 + n  a signal ended it, and not we sent it
        ├── StepStoppedError        143  stopped on our request (kill, timeout, shutdown)
        ├── StepTimedOutError            its time was over, retried
        ├── StepOutOfMemoryError         also with the largest memory it may get, retried
        ├── StepInterruptedError         the cluster took its pods, more often than is normal
        ├── StepUnschedulableError       no node took it in time, retried
        ├── StepImageUnavailableError    its image cannot be pulled, retried
        └── SourceMissingError           never retried: the wait was the retry

The never-retried ones are AirflowFailExceptions too, the one type after which Airflow 3.3 asks
neither `retries` nor a retry policy; type and message both survive to callbacks and log.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final

from airflow.sdk.exceptions import AirflowException, AirflowFailException

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stationmaster.step.process import ProcessOutcome
    from stationmaster.step.protocol import StepFailure

__all__ = [
    "SourceMissingError",
    "StepContractBrokenError",
    "StepFailedError",
    "StepImageUnavailableError",
    "StepInterruptedError",
    "StepKilledError",
    "StepMisconfiguredError",
    "StepOutOfMemoryError",
    "StepStoppedError",
    "StepSupersededError",
    "StepTemporaryError",
    "StepTimedOutError",
    "StepUnavailableError",
    "StepUnschedulableError",
    "failure_of",
    "words_of",
]

SHELL_SIGNAL_BASE: Final = 128
"""A shell reports a process that signal n ended as 128 + n."""


class StepFailedError(AirflowException):
    """Raised when a step failed; carries the step's own words.

    Args:
        message: The whole sentence for people.
        exit_code: The process's or the container's.
        failure: What the step itself said, if it could.
    """

    def __init__(
        self, message: str, *, exit_code: int | None = None, failure: StepFailure | None = None
    ) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.failure = failure


class StepContractBrokenError(StepFailedError, AirflowFailException):
    """Raised when data broke its contract: nothing was published, a retry cannot help."""


class StepMisconfiguredError(StepFailedError, AirflowFailException):
    """Raised when a person must change something before the step can work."""


class StepSupersededError(StepFailedError, AirflowFailException):
    """Raised when a newer attempt has already published this partition."""


class StepUnavailableError(StepFailedError):
    """Raised when an upstream system was missing or refused."""


class StepTemporaryError(StepFailedError):
    """Raised on passing trouble."""


class StepKilledError(StepFailedError):
    """Raised when a signal that we did not send ended the step."""


class StepStoppedError(StepFailedError):
    """Raised when the step was stopped on request: marked, cleared, timed out, shut down."""


class StepTimedOutError(StepFailedError):
    """Raised when the step's time was over; its pods were stopped."""


class StepOutOfMemoryError(StepFailedError):
    """Raised when the step ran out of memory, each time with more, up to the cap."""


class StepInterruptedError(StepFailedError):
    """Raised when the cluster ended the step's pods (evicted, drained, lost) beyond the budget."""


class StepUnschedulableError(StepFailedError):
    """Raised when no node took the step's pod in time."""


class StepImageUnavailableError(StepFailedError):
    """Raised when the step's image could not be pulled."""


class SourceMissingError(StepFailedError, AirflowFailException):
    """Raised when a source had not delivered by the end of the wait."""


BY_EXIT_CODE: Final[dict[int, type[StepFailedError]]] = {
    65: StepContractBrokenError,
    69: StepUnavailableError,
    75: StepTemporaryError,
    78: StepMisconfiguredError,
}


def failure_of(where: str, outcome: ProcessOutcome, tail: Sequence[str]) -> StepFailedError:
    """Return the exception that says why a process of a step ended.

    Args:
        where: The step, and the shard if there are several.
        outcome: How it ended.
        tail: The last lines of its log, told when it left no words of its own.
    """
    kind = _kind(outcome)
    said = outcome.result.error if outcome.result is not None else None
    sentence = f"{where} {_verb(kind, outcome)}"
    if said is not None:
        sentence += f": {words_of(said)}"
    else:
        if outcome.result is not None and outcome.result.phase:
            sentence += f" while it was at: {outcome.result.phase}"
        sentence += f". {_next_action(kind, outcome)}"
        if outcome.result_problem:
            sentence += f" {outcome.result_problem}"
        if tail:
            sentence += "\nThe last lines of its log:\n" + "\n".join(f"  {line}" for line in tail)
    return kind(sentence, exit_code=outcome.exit_code, failure=outcome.failure)


def words_of(failure: StepFailure) -> str:
    """Return a step's error as one text: where, expected, got, hint; or its plain message."""
    if failure.where:
        return f"{failure.where}: expected {failure.expected}, got {failure.got}. {failure.hint}"
    return f"{failure.kind}: {failure.message}"


def _kind(outcome: ProcessOutcome) -> type[StepFailedError]:
    if outcome.stop_requested:
        return StepStoppedError
    said = outcome.result.error if outcome.result is not None else None
    if said is not None and said.kind == "StaleAttemptError":
        return StepSupersededError
    if outcome.exit_code in BY_EXIT_CODE:
        return BY_EXIT_CODE[outcome.exit_code]
    return StepKilledError if outcome.exit_code > SHELL_SIGNAL_BASE else StepFailedError


def _verb(kind: type[StepFailedError], outcome: ProcessOutcome) -> str:
    if kind is StepStoppedError:
        return f"was stopped on request (exit code {outcome.exit_code})"
    if kind is StepKilledError:
        number = outcome.exit_code - SHELL_SIGNAL_BASE
        return (
            f"was killed by {_signal_name(number)} (kill -{number}, exit code {outcome.exit_code})"
        )
    return f"failed with exit code {outcome.exit_code}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _next_action(kind: type[StepFailedError], outcome: ProcessOutcome) -> str:
    """Say what to do where the step itself could not."""
    if kind is StepStoppedError:
        return "Nothing was published; clear the task to run it again."
    if outcome.exit_code == SHELL_SIGNAL_BASE + signal.SIGKILL:
        return (
            "Nothing half-done is visible and a retry is safe. If nobody killed it by hand, the "
            "machine was out of memory: give the step a bigger size."
        )
    return "It left no result that names an error: read the end of its log."
