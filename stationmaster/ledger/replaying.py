"""Write to the ledger what a recorder left in its file, when that recorder is gone for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import StatementError

from stationmaster.ledger.refusals import is_refusal
from stationmaster.ledger.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from stationmaster.ledger.records import AttemptRecord
    from stationmaster.ledger.store import Ledger

__all__ = ["files_to_replay", "replay"]

BATCH = 200
CLAIMED = ".replaying"


def files_to_replay(home: Path) -> list[Path]:
    """Return the files of recorders below `home` that hold records."""
    found = sorted(home.glob("ledger-spool*.jsonl*"))
    return [file for file in found if file.suffix in {".jsonl", CLAIMED} and not Spool(file).empty]


def replay(file: Path, ledger: Ledger) -> int:
    """Write a file's records to the ledger and remove it; return how many the ledger took.

    The file is renamed first: a recorder that is alive after all goes on with a new one. What no
    database takes goes to `<file>.refused`. When the database does not answer, the renamed file
    stays, and replaying it again is safe.

    Raises:
        sqlalchemy.exc.DBAPIError: The database does not answer.
        OSError: The file cannot be renamed or read.
    """
    claimed = file if file.suffix == CLAIMED else file.rename(file.with_name(file.name + CLAIMED))
    spool = Spool(claimed)
    number = sum(_store(batch, ledger, spool) for batch in spool.batches(BATCH))
    spool.clear()
    return number


def _store(records: Sequence[AttemptRecord], ledger: Ledger, spool: Spool) -> int:
    try:
        ledger.record_all(records)
    except StatementError as error:
        if not is_refusal(error):
            raise
        if len(records) > 1:
            return sum(_store([each], ledger, spool) for each in records)
        spool.refuse(records[0], str(error))
        return 0
    return len(records)
