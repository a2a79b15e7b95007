"""A local process (laptop) is an attempt too; light until there is one to record."""

from __future__ import annotations

import datetime as dt
import logging
import platform
from typing import TYPE_CHECKING, Any, Final, Protocol

from stationmaster.ledger.records import AttemptKind, AttemptRecord
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stationmaster.step.protocol import StepContext, StepFailure, StepResult

__all__ = ["ProcessEnd", "process_record", "record_process"]

BY_EXIT_CODE: Final = {
    65: "contract_broken",
    69: "upstream_unavailable",
    75: "temporary",
    78: "config_error",
}
"""Verdicts of `stationmaster.airflow.life.findings`, which this package does not import."""

_log = logging.getLogger(__name__)


class ProcessEnd(Protocol):
    """What is needed of how a process ended; `stationmaster.step.process` has it."""

    @property
    def exit_code(self) -> int:
        """Return it as a shell does."""

    @property
    def result(self) -> StepResult | None:
        """Return the step's last word."""

    @property
    def stop_requested(self) -> bool:
        """Tell whether we stopped it."""

    @property
    def done(self) -> bool:
        """Tell whether the step finished."""

    @property
    def failure(self) -> StepFailure | None:
        """Return why it did not."""


def record_process(
    context: StepContext,
    end: ProcessEnd,
    *,
    started_at: dt.datetime,
    facts: Mapping[str, Any] | None = None,
) -> bool:
    """Write down a process that has just ended; tell whether the ledger has it.

    Args:
        context: What it was told.
        end: How it ended.
        started_at: When it began (UTC).
        facts: Further fields of its record.

    A step that is done stays done without a row: what goes wrong here is a warning in its log.
    """
    try:
        # Heavy, and whoever imports this module may never run a step.
        from stationmaster.ledger.store import Ledger  # noqa: PLC0415 (above)

        ledger = Ledger.open(Settings().ledger_location)
        try:
            ended = process_record(context, end, started_at=started_at)
            ledger.record(ended.model_copy(update=dict(facts or {})))
        finally:
            ledger.close()
    except Exception as error:  # noqa: BLE001 (whatever it is, the step has ended as it has)
        _log.warning("The ledger has no row of this attempt: %s", error)
        return False
    return True


def process_record(
    context: StepContext, end: ProcessEnd, *, started_at: dt.datetime
) -> AttemptRecord:
    """Return the record of a process that has just ended."""
    failure = end.failure
    return AttemptRecord.of(
        context,
        kind=AttemptKind.PROCESS,
        result=end.result,
        node=platform.node(),
        started_at=started_at,
        finished_at=dt.datetime.now(dt.UTC),
        exit_code=end.exit_code,
        verdict=_verdict(end),
        sentence=_sentence(failure),
        hint="" if failure is None else failure.hint,
    )


def _verdict(end: ProcessEnd) -> str:
    if end.done:
        return "succeeded"
    if end.stop_requested:
        return "stopped"
    return BY_EXIT_CODE.get(end.exit_code, "step_failed")


def _sentence(failure: StepFailure | None) -> str:
    if failure is None:
        return ""
    if failure.where:
        return f"{failure.where}: expected {failure.expected}, got {failure.got}."
    return f"{failure.kind}: {failure.message}"
