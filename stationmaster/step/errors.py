"""What a step can end with, as one tree.

    StationmasterError
    ├── StepError                       the step ended; its class says what to do about it
    │   ├── ContractBrokenError         65  the data is not what was promised: never retry
    │   ├── UpstreamUnavailableError    69  a source is missing or refuses: retry later
    │   ├── TemporaryError              75  passing trouble: retry
    │   │   ├── PartitionConflictError      another run published this partition meanwhile
    │   │   └── StorageFullError            no space left for what the step writes
    │   ├── MisconfiguredError          78  a person must change something: never retry
    │   │   ├── ProtocolVersionError        context of a version this library does not speak
    │   │   ├── ContractUnreadableError     a contract file that cannot be used
    │   │   ├── JobFunctionError            no usable @job function
    │   │   └── BusinessDateError           a date that cannot be worked on
    │   ├── StaleAttemptError            1  a newer attempt has already published
    │   └── StepStoppedError           143  asked to stop (SIGTERM), stopped cleanly
    └── ResultError                     a result document that breaks the protocol

Exit codes are those of BSD's sysexits.h; 143 is 128 + SIGTERM, as a shell reports it.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "BusinessDateError",
    "ContractBrokenError",
    "ContractUnreadableError",
    "JobFunctionError",
    "MisconfiguredError",
    "PartitionConflictError",
    "ProtocolVersionError",
    "ResultError",
    "StaleAttemptError",
    "StationmasterError",
    "StepError",
    "StepStoppedError",
    "StorageFullError",
    "TemporaryError",
    "UpstreamUnavailableError",
]


class StationmasterError(Exception):
    """Base of every error this library raises on purpose."""


class StepError(StationmasterError):
    """Say where a step failed, what was expected, what came and what to do.

    Args:
        where: The thing: a dataset, an endpoint, a file, a parameter.
        expected: What should have been there.
        got: What was there instead.
        hint: What the reader does next, as an imperative sentence.
    """

    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool | None] = None
    """True: retry; False: never; None: Airflow's own `retries` decide."""

    def __init__(self, where: str, *, expected: str, got: str, hint: str) -> None:
        self.where = where
        self.expected = expected
        self.got = got
        self.hint = hint
        super().__init__(where)

    def __str__(self) -> str:
        return f"{self.where}: expected {self.expected}, got {self.got}. {self.hint}"


class ContractBrokenError(StepError):
    """Raised when data breaks the contract it was promised under."""

    exit_code = 65
    retryable = False


class UpstreamUnavailableError(StepError):
    """Raised when a source has not delivered, refuses or cannot be reached."""

    exit_code = 69
    retryable = True


class TemporaryError(StepError):
    """Raised on passing trouble that a retry is expected to get past."""

    exit_code = 75
    retryable = True


class PartitionConflictError(TemporaryError):
    """Raised when another run published the same partition while this one worked."""


class StorageFullError(TemporaryError):
    """Raised when there is no space left for what the step writes."""


class MisconfiguredError(StepError):
    """Raised when a setting, a parameter or a file that people wrote cannot work."""

    exit_code = 78
    retryable = False


class ProtocolVersionError(MisconfiguredError):
    """Raised when the context speaks a protocol version this library does not."""


class ContractUnreadableError(MisconfiguredError):
    """Raised when a contract file is missing, is not YAML or is not a contract."""


class JobFunctionError(MisconfiguredError):
    """Raised when a job package has no function that can be run as a step."""


class BusinessDateError(MisconfiguredError):
    """Raised when the business date is not a date, or lies in the future."""


class StaleAttemptError(StepError):
    """Raised when a newer (try, attempt) of the same run has already published."""

    retryable = False


class StepStoppedError(StepError):
    """Raised inside the step when it is asked to stop, so that it can clean up."""

    exit_code = 143
    retryable = True


class ResultError(StationmasterError):
    """Raised when a result document cannot be read by the protocol."""
