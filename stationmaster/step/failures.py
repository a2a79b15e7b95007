"""Say in the result why a step failed, and with which exit code it ends."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Final

from stationmaster.step.errors import StepError, StepStoppedError, StorageFullError
from stationmaster.step.protocol import ResultStatus, StepFailure

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["as_step_error", "exit_code_of", "failure_of", "status_of"]

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""A device, a quota or the process's own limit (`ulimit -f`)."""
_FULL_TEXTS: Final = (
    "No space left on device",
    "Disk quota exceeded",
    "File too large",
    "os error 28",
    "database or disk is full",
)
"""How Rust and C++ libraries, and sqlite, report the same, without an errno."""


def as_step_error(error: BaseException) -> BaseException:
    """Return a full disk as StorageFullError, whoever reported it; anything else as it is."""
    if isinstance(error, StepError):
        return error
    for one in _chain(error):
        full = isinstance(one, OSError) and one.errno in _FULL
        if full or any(text in str(one) for text in _FULL_TEXTS):
            place = getattr(one, "filename", None)
            return StorageFullError(
                where=f"storage at {place}" if place else "storage of the step",
                expected="space for what the step writes",
                got=str(one),
                hint="Free space or enlarge the volume, then run the step again.",
            )
    return error


def failure_of(error: BaseException) -> StepFailure:
    """Describe an error for people and for the verdict."""
    kind = type(error).__name__
    if isinstance(error, StepError):
        return StepFailure(
            kind=kind,
            where=_clean(error.where),
            expected=_clean(error.expected),
            got=_clean(error.got),
            hint=_clean(error.hint),
            message=_clean(str(error)),
        )
    if isinstance(error, MemoryError):
        return StepFailure(
            kind=kind,
            where="memory of the step",
            expected="room for what the step allocates",
            got=_clean(str(error)) or "an allocation was refused",
            hint="Give the job a bigger `size` in its job.yaml, or read less at once.",
            message="The step ran out of memory.",
        )
    return StepFailure(kind=kind, where=_where(error), message=_clean(str(error)) or kind)


def exit_code_of(error: BaseException) -> int:
    """Return the exit code: the error's own, or 1 for whatever is the step's own failure."""
    if isinstance(error, StepError):
        return error.exit_code
    # A job that calls sys.exit() has not returned: 0 would be a false green.
    if isinstance(error, SystemExit) and isinstance(error.code, int) and 0 < error.code < 256:  # noqa: PLR2004 (a byte)
        return error.code
    return 1


def status_of(error: BaseException) -> ResultStatus:
    """Tell a step that was stopped from one that failed."""
    return ResultStatus.STOPPED if isinstance(error, StepStoppedError) else ResultStatus.FAILED


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__


def _where(error: BaseException) -> str:
    """Name the line that raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    code = trace.tb_frame.f_code
    return _clean(f"{code.co_filename}:{trace.tb_lineno} in {code.co_name}")


def _clean(text: str) -> str:
    """Replace what UTF-8 cannot hold (a file name's raw bytes)."""
    return text.encode("utf-8", "replace").decode()
