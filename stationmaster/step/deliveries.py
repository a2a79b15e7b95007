"""Check a delivered file against what its writer said of it in `_SUCCESS`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from stationmaster.step.errors import ContractBrokenError, UpstreamUnavailableError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator

    from stationmaster.step.landing import LandingFile

__all__ = ["Delivered", "Promise", "delivered", "promises"]

_AGAIN = "Ask the owner of the source to deliver the day again, then clear the step."


@dataclass(frozen=True)
class Promise:
    """What `_SUCCESS` says of one file; None where it says nothing."""

    records: int | None = None
    size_bytes: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Delivered:
    """Hold one file as its writer made it."""

    source: str
    day: dt.date
    name: str
    data: bytes
    promise: Promise = Promise()

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
                hint="The upload is not complete: the step tries again later. " + _AGAIN,
            )
        digest = hashlib.sha256(self.data).hexdigest()
        if self.promise.sha256 not in {None, digest}:
            raise UpstreamUnavailableError(
                self.where,
                expected=f"sha256 {str(self.promise.sha256)[:12]}..., as _SUCCESS says",
                got=f"{digest[:12]}... in as many bytes",
                hint="The file was damaged or replaced on its way: the step tries again later. "
                + _AGAIN,
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
                hint=_AGAIN,
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


def promises(text: bytes, *, where: str) -> dict[str, Promise]:
    """Read a `_SUCCESS` document: what was promised of each file.

    An empty document promises nothing: some writers only touch the file.

    Raises:
        ContractBrokenError: It is no such document.
    """
    if not text.strip():
        return {}
    try:
        files = json.loads(text)["files"]
        return {name: _promise(entry) for name, entry in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise ContractBrokenError(
            where,
            expected='JSON such as {"files": {"orders-000.jsonl.gz": {"records": 86}}}',
            got=repr(text[:60]),
            hint=_AGAIN,
        ) from problem


def _promise(entry: dict[str, int | str]) -> Promise:
    return Promise(
        records=int(entry["records"]) if "records" in entry else None,
        size_bytes=int(entry["bytes"]) if "bytes" in entry else None,
        sha256=str(entry["sha256"]) if "sha256" in entry else None,
    )
