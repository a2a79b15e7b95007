"""Check a delivered file against what its writer said of it in `_SUCCESS`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from stationmaster.step.errors import ContractBrokenError, UpstreamUnavailableError
from stationmaster.step.promises import DELIVER_AGAIN, NO_PROMISE, Promise

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator

    from stationmaster.step.landing import LandingFile

__all__ = ["Delivered", "delivered"]


@dataclass(frozen=True)
class Delivered:
    """Hold one file as its writer made it."""

    source: str
    day: dt.date
    name: str
    data: bytes
    promise: Promise = NO_PROMISE

    @property
    def where(self) -> str:
        """Return the file's name for people."""
        return f"{self.source} {self.name} of {self.day}"

    def checked(self) -> Self:
        """Return this file when its bytes are the ones its writer made.

        Raises:
            UpstreamUnavailableError: Bytes are missing or others: the upload is not complete.
        """
        promised = self.promise.size_bytes
        if promised is not None and promised != len(self.data):
            part = "cut off" if len(self.data) < promised else "too long"
            raise UpstreamUnavailableError(
                self.where,
                expected=f"{promised:,} bytes, as _SUCCESS says",
                got=f"{len(self.data):,} bytes ({part})",
                hint="The upload is not complete: the step tries again later. " + DELIVER_AGAIN,
            )
        digest = hashlib.sha256(self.data).hexdigest()
        if self.promise.sha256 not in {None, digest}:
            raise UpstreamUnavailableError(
                self.where,
                expected=f"sha256 {str(self.promise.sha256)[:12]}..., as _SUCCESS says",
                got=f"{digest[:12]}... in as many bytes",
                hint="The file was damaged or replaced on its way: the step tries again later. "
                + DELIVER_AGAIN,
            )
        return self

    def check_records(self, records: int) -> None:
        """Compare the number of records read with the promised one.

        Raises:
            ContractBrokenError: They differ, though the bytes are the promised ones.
        """
        if self.promise.records not in {None, records}:
            raise ContractBrokenError(
                self.where,
                expected=f"{self.promise.records:,} records, as _SUCCESS says",
                got=f"{records:,} records",
                hint=DELIVER_AGAIN,
            )


def delivered(files: Iterable[LandingFile], prefix: str) -> Iterator[Delivered]:
    """Read the files whose name begins with a prefix, one at a time, and check each.

    Raises:
        UpstreamUnavailableError: A file is not as its writer made it.
    """
    for file in files:
        if file.name.startswith(prefix):
            with file.open() as stream:
                data = stream.read()
            yield Delivered(file.source, file.day, file.name, data, file.promise).checked()
