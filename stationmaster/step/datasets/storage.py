"""What a full disk or an object store in trouble raises, told as what it is."""

from __future__ import annotations

import contextlib
import errno
from typing import TYPE_CHECKING

from sqlalchemy.exc import OperationalError

from stationmaster.step.errors import StorageFullError, TemporaryError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["storage_errors"]

_FULL = (errno.ENOSPC, errno.EDQUOT)
_PASSING = (
    "AWS Error INTERNAL_FAILURE",
    "AWS Error SERVICE_UNAVAILABLE",
    "AWS Error SLOW_DOWN",
    "AWS Error THROTTLING",
    "AWS Error REQUEST_TIMEOUT",
    "AWS Error NETWORK_CONNECTION",
)
"""What pyarrow's S3 client says of trouble that a later call gets past
(https://github.com/aws/aws-sdk-cpp, CoreErrors)."""


@contextlib.contextmanager
def storage_errors(where: str) -> Iterator[None]:
    """Turn the file system's and the catalog's "no space left" into one error.

    Raises:
        StorageFullError: No space is left where `where` is written.
        TemporaryError: The object store fails for now.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL or "No space left on device" in str(error):
            raise _full(error.filename or where, error) from error
        if any(words in str(error) for words in _PASSING):
            raise _failing(where, error) from error
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


def _failing(where: str, error: OSError) -> TemporaryError:
    return TemporaryError(
        where,
        expected="the object store to take it",
        got=" ".join(str(error).split())[:300],
        hint="The step tries again; if it stays so, look at the object store's health and quota.",
    )
