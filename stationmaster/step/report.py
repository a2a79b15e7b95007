"""Keep the step's result up to date while it runs, so that a killed step leaves its last word."""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import TYPE_CHECKING

from stationmaster.step.errors import MisconfiguredError
from stationmaster.step.protocol import (
    RESULT_VARIABLE,
    InputRef,
    Measurements,
    OutputRef,
    ResultStatus,
    StepContext,
    StepFailure,
    StepResult,
)
from stationmaster.step.resultfile import write_result
from stationmaster.step.truncate import fit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stationmaster.step.settings import Settings

__all__ = ["StepReport"]

_log = logging.getLogger("stationmaster")


class StepReport:
    """Collect what the step says of itself; safe to use from the meter's thread.

    Args:
        path: The result file; None writes none.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._phase = ""
        self._inputs: dict[tuple[str, int | None], InputRef] = {}
        self._outputs: list[OutputRef] = []
        self._notes: list[str] = []
        self._figures: dict[str, float] = {}
        self._part_figures: dict[str, float] = {}
        self.measure: Callable[[], Measurements] = Measurements
        """Tells what was used so far; the meter's, once it runs."""
        self.mask: Callable[[str], str] = str
        """Strikes secrets out of errors and notes: results go to Airflow's database."""

    def open(self) -> None:
        """Write a first result: a place that cannot be written is found before any work is done.

        Raises:
            MisconfiguredError: The result's place cannot be written.
            OSError: The place is full.
        """
        try:
            self._write(self.result(ResultStatus.RUNNING))
        except (PermissionError, FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise MisconfiguredError(
                where=f"result file {self._path}",
                expected="a file that can be written",
                got=f"{error.strerror}",
                hint=f"Let {RESULT_VARIABLE} name a file in a folder that is there.",
            ) from error

    def phase(self, name: str) -> None:
        """Say what the step does now, in the log and in the result."""
        with self._lock:
            self._phase = name
        _log.info("%s", name)
        self.tick()

    def add_input(self, ref: InputRef) -> None:
        """Name what was read; the same snapshot of a dataset is named once, with its most rows."""
        with self._lock:
            key = (ref.dataset, ref.snapshot_id)
            before = self._inputs.get(key)
            if before is None or (ref.rows, ref.bytes) >= (before.rows, before.bytes):
                self._inputs[key] = ref

    def add_output(self, ref: OutputRef) -> None:
        """Name what was published."""
        with self._lock:
            self._outputs.append(ref)

    def note(self, text: str) -> None:
        """Add a short sentence to the result, and to the log."""
        text = self.mask(text)
        with self._lock:
            self._notes.append(text)
        _log.info("%s", text)

    def figure(self, name: str, value: float, *, part: bool = False) -> None:
        """Say a number that people rely on; said twice, the last word stands."""
        with self._lock:
            (self._part_figures if part else self._figures)[name] = value

    def tick(self) -> None:
        """Rewrite the result while the step runs; a failure to do so does not stop the step."""
        with contextlib.suppress(OSError):
            self._write(self.result(ResultStatus.RUNNING))

    def result(self, status: ResultStatus, error: StepFailure | None = None) -> StepResult:
        """Return the whole result as it stands."""
        if error is not None:
            told = {name: self.mask(value) for name, value in error}
            error = error.model_copy(update=told)
        with self._lock:
            return StepResult(
                status=status,
                phase=self._phase,
                inputs=tuple(self._inputs.values()),
                outputs=tuple(self._outputs),
                measurements=self.measure(),
                error=error,
                figures=dict(self._figures),
                part_figures=dict(self._part_figures),
                notes=tuple(self._notes),
            )

    def close(
        self, result: StepResult, context: StepContext | None, settings: Settings | None
    ) -> None:
        """Write the last result; keep the whole of it aside when it has to be shortened.

        Raises:
            OSError: The result cannot be written.
        """
        if context is not None and settings is not None and fit(result).truncated:
            uri = _keep(result, context, settings)
            result = result.model_copy(update={"full_result_uri": uri})
        self._write(result)

    def _write(self, result: StepResult) -> None:
        if self._path is None:
            return
        with self._lock:
            write_result(self._path, result)


def _keep(result: StepResult, context: StepContext, settings: Settings) -> str | None:
    """Write the whole result where it outlives the step, as far as that is possible."""
    name = (
        f"{context.try_id}/{context.step}-{context.map_index}"
        f"-{context.shard.index}-{context.attempt}.json"
    )
    document = result.model_dump_json(indent=1).encode()
    try:
        if settings.reports_location.startswith("s3://"):
            from stationmaster.step.landing import filesystem_of  # noqa: PLC0415 (rare)

            uri = f"{settings.reports_location.rstrip('/')}/_results/{name}"
            filesystem, key = filesystem_of(uri, settings)
            with filesystem.open_output_stream(key) as stream:
                stream.write(document)
            return uri
        path = settings.home.absolute() / "results" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(document)
    except (OSError, ImportError) as error:
        _log.warning("The whole result could not be kept: %s", error)
        return None
    return path.as_uri()
