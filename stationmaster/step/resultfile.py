"""Write and read the result document: small, always valid JSON, in place or by rename."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING

from pydantic import ValidationError

from stationmaster.step.errors import ResultError
from stationmaster.step.protocol import MAX_RESULT_BYTES, StepResult
from stationmaster.step.truncate import encode, fit

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_result", "write_result"]


def write_result(path: Path, result: StepResult) -> None:
    """Replace what stands in `path` by the result, shortened to 4,096 bytes.

    A reader sees the old document or the new one where the file can be renamed onto. The
    termination log is a mounted file that cannot: it is overwritten in place, in one write.

    Raises:
        OSError: The place cannot be written, or is full.
    """
    document = encode(fit(result))
    if _in_place(path):
        _overwrite(path, document)
        return
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(document)
        beside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        if not path.exists():
            raise
        # A mounted file (EBUSY), or a folder that takes no new files: write onto the file.
        _overwrite(path, document)


def read_result(path: Path) -> StepResult | None:
    """Return the result a step left, None where it left none.

    Raises:
        ResultError: What it left breaks the protocol.
    """
    try:
        document = path.read_bytes()
    except FileNotFoundError:
        return None
    if not document.strip():
        return None
    if len(document) > MAX_RESULT_BYTES:
        message = (
            f"The result has {len(document)} bytes; the protocol allows {MAX_RESULT_BYTES}. "
            "Shorten it: Kubernetes would cut it off and break the JSON."
        )
        raise ResultError(message)
    try:
        return StepResult.model_validate_json(document)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "document"
        message = f"The result breaks protocol version 1 at `{field}`: {first['msg']}."
        raise ResultError(message) from error


def _in_place(path: Path) -> bool:
    """Tell whether the target is a device, or mounted alone, so that no rename reaches it."""
    try:
        target = path.stat()
        return not stat.S_ISREG(target.st_mode) or target.st_dev != path.parent.stat().st_dev
    except OSError:
        return False


def _overwrite(path: Path, document: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        # Padded to the older document's length first, then cut: at no moment is there half of
        # one document followed by half of another, and spaces after JSON are valid JSON.
        older = os.fstat(handle).st_size
        os.write(handle, document.ljust(older))
        if stat.S_ISREG(os.fstat(handle).st_mode):
            os.ftruncate(handle, len(document))
    except OSError as error:
        error.filename = str(path)  # os.write knows only a number
        raise
    finally:
        os.close(handle)
