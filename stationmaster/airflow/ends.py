"""What the end of a step's pods becomes in Airflow: references for success, an exception else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow.sdk.exceptions import AirflowSkipException

from stationmaster.airflow.exceptions import (
    StepContractBrokenError,
    StepFailedError,
    StepImageUnavailableError,
    StepInterruptedError,
    StepKilledError,
    StepMisconfiguredError,
    StepOutOfMemoryError,
    StepStoppedError,
    StepSupersededError,
    StepTemporaryError,
    StepTimedOutError,
    StepUnavailableError,
    StepUnschedulableError,
    words_of,
)
from stationmaster.airflow.life.findings import INFRASTRUCTURE, Finding, Verdict
from stationmaster.airflow.results import reference, unpublished

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Container

    from stationmaster.airflow.life.plan import StepEnd

__all__ = ["failure_of_end", "outcome", "read_end"]

SHELL_SIGNAL_BASE: Final = 128

BY_VERDICT: Final[dict[Verdict, type[StepFailedError]]] = {
    Verdict.CONTRACT_BROKEN: StepContractBrokenError,
    Verdict.UPSTREAM_UNAVAILABLE: StepUnavailableError,
    Verdict.TEMPORARY: StepTemporaryError,
    Verdict.CONFIG_ERROR: StepMisconfiguredError,
    Verdict.OUT_OF_MEMORY: StepOutOfMemoryError,
    Verdict.TIMED_OUT: StepTimedOutError,
    Verdict.UNSCHEDULABLE: StepUnschedulableError,
    Verdict.IMAGE_UNAVAILABLE: StepImageUnavailableError,
    Verdict.KILLED_BY_USER: StepStoppedError,
    Verdict.STOPPED: StepStoppedError,
    **dict.fromkeys(INFRASTRUCTURE, StepInterruptedError),
}


def read_end(document: str) -> StepEnd:
    """Return an end from its JSON."""
    from stationmaster.airflow.life.plan import StepEnd  # noqa: PLC0415 (only at an end)

    return StepEnd.model_validate_json(document)


def outcome(
    job: str, end: StepEnd, business_date: dt.date, skip_exit_codes: Container[int]
) -> dict[str, Any]:
    """Return the step's XCom.

    Raises:
        StepFailedError: The step failed; the class says what to do about it.
        AirflowSkipException: It ended with one of the exit codes that mean skipped.
    """
    if not end.done:
        code = end.finding.exit_code if end.finding else None
        if code is not None and code in skip_exit_codes:
            message = f"{job} ended with exit code {code}: skipped."
            raise AirflowSkipException(message)
        raise failure_of_end(job, end)
    if waiting := unpublished(end.results):
        message = (
            f"{job} is not done: all shards ended, and none published {', '.join(waiting)}. "
            "Readers still see what was there before. Clear the task."
        )
        raise StepFailedError(message, exit_code=0)
    return reference(business_date, end.results)


def failure_of_end(job: str, end: StepEnd) -> StepFailedError:
    """Return the exception that says why a step's pods did not do its work."""
    finding = end.finding
    if finding is None:
        return _kind(end.verdict, None)(f"{job} ended with the verdict {end.verdict}.")
    named = finding.sentence.startswith(job)
    sentence = finding.sentence if named else f"{job}: {finding.sentence}"
    said = finding.result.error if finding.result is not None else None
    if said is not None and words_of(said) not in finding.sentence:
        sentence += f" {words_of(said)}"
    if finding.hint:
        sentence += f" {finding.hint}"
    if end.attempts > 1:
        sentence += f" ({end.attempts} attempts)"
    return _kind(end.verdict, finding)(sentence, exit_code=finding.exit_code, failure=said)


def _kind(verdict: Verdict, finding: Finding | None) -> type[StepFailedError]:
    said = finding.result.error if finding is not None and finding.result is not None else None
    if said is not None and said.kind == "StaleAttemptError":
        return StepSupersededError
    if verdict is Verdict.STEP_FAILED and finding is not None:
        killed = (finding.exit_code or 0) > SHELL_SIGNAL_BASE
        return StepKilledError if killed else StepFailedError
    return BY_VERDICT.get(verdict, StepFailedError)
