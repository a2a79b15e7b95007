"""Run a job as a step: context, params, function, publish, result, exit code."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stationmaster.step.errors import JobFunctionError, MisconfiguredError
from stationmaster.step.failures import as_step_error, exit_code_of, failure_of, status_of
from stationmaster.step.incoming import check_business_date, parse_context, validate_params
from stationmaster.step.inputs import Inputs
from stationmaster.step.logs.chunks import captured_output
from stationmaster.step.logs.masking import masked_text, secret_values
from stationmaster.step.memorysignal import MemorySignal
from stationmaster.step.meter import Meter
from stationmaster.step.outputs import Outputs
from stationmaster.step.protocol import (
    CONTEXT_VARIABLE,
    RESULT_VARIABLE,
    TERMINATION_LOG,
    ResultStatus,
    StepContext,
    StepResult,
)
from stationmaster.step.report import StepReport
from stationmaster.step.session import Session
from stationmaster.step.settings import Settings
from stationmaster.step.steplog import configure_logging
from stationmaster.step.stopping import StopSignal

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from stationmaster.step.job import Job

__all__ = ["StepRun", "main"]

_log = logging.getLogger("stationmaster")

_LONGEST_LINE: Final = 2000
"""Characters of an error in the log's one line; the result and its full document have more."""


def main(find: Callable[[], Job[...]]) -> int:
    """Run a job by the contract and return the exit code.

    Args:
        find: Returns the job; a JobFunctionError of it is the step's result like any other.
    """
    configure_logging()
    stop = StopSignal()
    report = StepReport(_result_path())
    report.mask = _mask
    run = StepRun(report, stop, whole_process=True)
    with stop.installed(), captured_output(lambda: bool(stop.requested)):
        code, _ = run.run(find, lambda: parse_context(os.environ.get(CONTEXT_VARIABLE)), Settings)
    return code


class StepRun:
    """Run one job once, and turn whatever happens into a result and an exit code.

    Args:
        report: Keeps the result file.
        stop: Tells when the step is asked to stop.
        whole_process: Measure from the start of the process.
        contracts: Folders of contracts to use before the job package's own.
    """

    def __init__(
        self,
        report: StepReport,
        stop: StopSignal,
        *,
        whole_process: bool = False,
        contracts: tuple[Path, ...] = (),
    ) -> None:
        self._report = report
        self._stop = stop
        self._contracts = contracts
        self._meter = Meter(
            on_tick=self._tick,
            since_process_start=whole_process,
            signal=MemorySignal.asked_for(os.environ) if whole_process else None,
        )
        report.measure = self._meter.measurements
        self._context: StepContext | None = None
        self._settings: Settings | None = None

    def run(
        self,
        find: Callable[[], Job[...]],
        context: Callable[[], StepContext],
        settings: Callable[[], Settings],
    ) -> tuple[int, StepResult]:
        """Return the exit code and the whole result; nothing that the job raises gets out."""
        error: BaseException | None = None
        try:
            self._report.open()
            with self._meter:
                self._work(find, context, settings)
        except BaseException as raised:  # noqa: BLE001 (whatever ends a step stands in its result)
            error = as_step_error(raised)
            _print_traceback(raised)
        return self._finish(error)

    def _tick(self) -> None:
        self._report.tick()
        self._stop.remind()

    def _work(
        self,
        find: Callable[[], Job[...]],
        context: Callable[[], StepContext],
        settings: Callable[[], Settings],
    ) -> None:
        self._report.phase("reading context")
        self._settings = _valid_settings(settings)
        self._context = context()
        check_business_date(self._context.business_date, self._settings)
        job = find()
        session = Session(
            context=self._context,
            settings=self._settings,
            meter=self._meter,
            report=self._report,
            contracts=(*self._contracts, *job.contracts),
        )
        params = job.params_model
        values: dict[type, Any] = {StepContext: self._context}
        if params is not None:
            values[params] = validate_params(params, self._context.params)
        elif self._context.params:
            raise _takes_no_params(job, self._context)
        first = self._one_date(job, session, values, self._context.business_date)
        if job.cumulative and first is not None:
            self._later_dates(job, session, values, first)

    def _one_date(
        self, job: Job[...], session: Session, values: dict[type, Any], day: dt.date
    ) -> str | None:
        """Do one business date; return the first table it published."""
        outputs = Outputs(session, day)
        if outputs.published_before():
            self._report.note(f"{day} had been published by an earlier attempt")
            return session.context.outputs[0]
        of_day: dict[type, Any] = {
            **values,
            Inputs: Inputs(session, day),
            Outputs: outputs,
            StepContext: session.context.model_copy(update={"business_date": day}),
        }
        arguments = {name: of_day[kind] for name, kind in job.arguments.items()}
        try:
            with self._stop.interruptible():
                self._report.phase(f"running {job.name} for {day}")
                job.function(**arguments)
            _check_all_written(job, outputs)
            first = next(iter(outputs.datasets), None)
            self._report.phase(f"publishing {day}")
            outputs.publish()
        finally:
            outputs.discard()
        return first

    def _later_dates(
        self, job: Job[...], session: Session, values: dict[type, Any], dataset: str
    ) -> None:
        """Do the days after this one again, that had been done without it."""
        day = session.context.business_date
        for later in [d for d in session.store.business_dates(dataset) if d > day]:
            self._report.note(f"{later} had been done before {day}: done again")
            self._one_date(job, session, values, later)

    def _finish(self, error: BaseException | None) -> tuple[int, StepResult]:
        if error is None:
            result, code = self._report.result(ResultStatus.DONE), 0
            _log.info("Done")
        else:
            result = self._report.result(status_of(error), failure_of(error))
            code = exit_code_of(error)
            kind, text = type(error).__name__, str(error)[:_LONGEST_LINE]
            _log.error("%s: %s (exit code %d)", kind, text, code)
        try:
            self._report.close(result, self._context, self._settings)
        except OSError as unwritten:
            # Without a result nobody can tell what was published: not done, whatever else.
            full = as_step_error(unwritten)
            _log.error("The result could not be written: %s", full)
            code = code or exit_code_of(full)
        return code, result


def _valid_settings(settings: Callable[[], Settings]) -> Settings:
    """Read the settings; a variable that makes no sense is named."""
    try:
        found = settings()
        _ = found.zone
    except (ValueError, KeyError, OSError) as error:
        raise MisconfiguredError(
            where="settings (STATIONMASTER_… variables)",
            expected="values that fit",
            got=" ".join(str(error).split())[:300],
            hint="Correct the variable that is named.",
        ) from error
    return found


def _check_all_written(job: Job[...], outputs: Outputs) -> None:
    missing = outputs.missing()
    if missing:
        raise JobFunctionError(
            where=f"job {job.name}",
            expected="a write to each declared output",
            got=f"none to {', '.join(missing)}",
            hint="Write it, an empty frame where there is nothing, or take it out of job.yaml.",
        )


def _takes_no_params(job: Job[...], context: StepContext) -> MisconfiguredError:
    return MisconfiguredError(
        where=f"params of job {job.name}",
        expected="none: its function takes no Params",
        got=", ".join(context.params),
        hint="Leave them out, or give the function an argument of a Params class.",
    )


def _result_path() -> Path | None:
    """Return where the result goes: the named file, else the termination log where there is one."""
    named = os.environ.get(RESULT_VARIABLE)
    if named:
        return Path(named)
    return Path(TERMINATION_LOG) if Path(TERMINATION_LOG).exists() else None


def _mask(text: str) -> str:
    """Strike secrets out, those of the files as well where the settings make sense."""
    folder = Path()
    with contextlib.suppress(ValueError, OSError):
        folder = Settings().secrets_folder
    return masked_text(text, secret_values(folder, os.environ))


def _print_traceback(error: BaseException) -> None:
    """Print it for a failure of the step's own; a StepError says all in its one line."""
    if as_step_error(error) is error and exit_code_of(error) == 1:
        traceback.print_exception(error)
        sys.stderr.flush()
