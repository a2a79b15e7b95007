"""What a source's writer says in `_SUCCESS` of the files that it delivered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from stationmaster.step.errors import ContractBrokenError

__all__ = ["DELIVER_AGAIN", "NO_PROMISE", "Promise", "promises"]

DELIVER_AGAIN: Final = "Ask the owner of the source to deliver the day again, then clear the step."
"""What to do about a delivery that is not what its writer promised."""


@dataclass(frozen=True)
class Promise:
    """What `_SUCCESS` says of one file; None where it says nothing."""

    records: int | None = None
    size_bytes: int | None = None
    sha256: str | None = None


NO_PROMISE: Final = Promise()


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
            hint=DELIVER_AGAIN,
        ) from problem


def _promise(entry: dict[str, int | str]) -> Promise:
    return Promise(
        records=int(entry["records"]) if "records" in entry else None,
        size_bytes=int(entry["bytes"]) if "bytes" in entry else None,
        sha256=str(entry["sha256"]) if "sha256" in entry else None,
    )
