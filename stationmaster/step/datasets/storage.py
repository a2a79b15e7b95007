"""What a full disk raises, told as what it is."""

from __future__ import annotations

import contextlib
import errno
from typing import TYPE_CHECKING

from sqlalchemy.exc import OperationalError

from stationmaster.step.errors import StorageFullError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["storage_errors"]

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def storage_errors(where: str) -> Iterator[None]:
    """Turn the file system's and the catalog's "no space left" into one error.

    Raises:
        StorageFullError: No space is left where `where` is written.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL or "No space left on device" in str(error):
            raise _full(error.filename or where, error) from error
        raise
    except OperationalError as error:
        if "disk is full" in str(error):
            raise _full(where, error) from error
        raise


def _full(where: object, error: Exception) -> StorageFullError:
    return StorageFullError(
        str(where),
        expected="space for what the step writes",
        got=" ".join(str(error).split())[:200],
        hint="Free space there or give the volume more; nothing was published, so the retry "
        "starts clean. `stationmaster maintain` removes what no reader needs.",
    )
