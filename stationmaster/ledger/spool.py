"""Records on a local file while the ledger's database is away."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from stationmaster.ledger.records import AttemptRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

__all__ = ["LARGEST_SPOOL_BYTES", "Spool"]

LARGEST_SPOOL_BYTES: Final = 256 * 2**20
"""About 100,000 records: a database that is away for that long needs a person, not a disk."""


class Spool:
    """Keep records in a file, one JSON document a line, until the database has them.

    One process owns it; a record that is read twice does no harm, since recording is idempotent.

    Args:
        path: The file; its folder is made. `<path>.refused` gets what no database will take.
        most_bytes: Most that the file may hold.
    """

    def __init__(self, path: Path, *, most_bytes: int = LARGEST_SPOOL_BYTES) -> None:
        self.path = path
        self.refused_path = path.with_name(f"{path.name}.refused")
        self._most_bytes = most_bytes

    @property
    def empty(self) -> bool:
        """Tell whether there is nothing to read."""
        return not self.path.exists() or self.path.stat().st_size == 0

    def append(self, records: Iterable[AttemptRecord]) -> None:
        """Write records to the end of the file, and to the disk.

        Raises:
            OSError: The folder cannot be written, or the file would be larger than `most_bytes`.
        """
        _append(self.path, [each.model_dump_json() for each in records], self._most_bytes)

    def refuse(self, record: AttemptRecord, reason: str) -> None:
        """Put a record aside that the database does not take, with its reason for people."""
        reason = " ".join(reason.split())
        _append(self.refused_path, [f"# {reason}", record.model_dump_json()], self._most_bytes)

    def batches(self, size: int) -> Iterator[list[AttemptRecord]]:
        """Yield what the file holds, in order; a line that cannot be read goes to `refused`."""
        batch: list[AttemptRecord] = []
        if self.empty:
            return
        with self.path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                batch += self._read(line)
                if len(batch) >= size:
                    yield batch
                    batch = []
        if batch:
            yield batch

    def clear(self) -> None:
        """Forget what it held: the database has it."""
        self.path.unlink(missing_ok=True)

    def _read(self, line: str) -> list[AttemptRecord]:
        try:
            return [AttemptRecord.model_validate_json(line)]
        except ValidationError as error:
            # The last line of a process that was killed while it wrote, or another release's.
            reason = f"not a record: {error.errors()[0]['msg']}"
            _append(self.refused_path, [f"# {reason}", line.rstrip("\n")], self._most_bytes)
            return []


def _append(path: Path, lines: Sequence[str], most_bytes: int) -> None:
    text = "".join(f"{line}\n" for line in lines).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        start = file.tell()
        if start + len(text) > most_bytes:
            message = f"{path} holds {start:,} bytes and may hold {most_bytes:,}"
            raise OSError(message)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
