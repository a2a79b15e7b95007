"""One place for optimistic commits: what is asserted, what is tried again, for how long."""

from __future__ import annotations

import contextlib
import random
import time
from typing import TYPE_CHECKING, Final, Literal, TypeVar

from pyiceberg.exceptions import (
    CommitFailedException,
    NamespaceAlreadyExistsError,
    TableAlreadyExistsError,
)
from pyiceberg.table import Transaction
from pyiceberg.table.update import ValidatableTableRequirement
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from stationmaster.step.datasets.storage import storage_errors
from stationmaster.step.errors import TemporaryError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from pyiceberg.table import Table
    from pyiceberg.table.metadata import TableMetadata

__all__ = ["GIVE_UP_SECONDS", "AssertUnmoved", "FencedTransaction", "retried"]

T = TypeVar("T")

_LOST_RACES: Final = (
    CommitFailedException,
    NamespaceAlreadyExistsError,
    TableAlreadyExistsError,
    IntegrityError,
    OperationalError,
    ProgrammingError,
)
"""What a commit that came second raises, whichever table of the catalog it was for."""

GIVE_UP_SECONDS: Final = 180.0
"""How long a commit is tried; thirty writers of one table need a few seconds."""
_MISSING_FILES: Final = 5
_FIRST_WAIT_SECONDS: Final = 0.01
_LONGEST_WAIT_SECONDS: Final = 1.0


class AssertUnmoved(ValidatableTableRequirement):
    """Require that nobody added a snapshot, moved main or set some properties since the load.

    A catalog checks a requirement against the metadata it then swaps, so this is exact. Without
    the sequence number a commit to another branch would surface as a plain ValueError.
    """

    type: Literal["stationmaster-assert-unmoved"] = "stationmaster-assert-unmoved"
    next_sequence_number: int
    current_snapshot_id: int | None
    properties: dict[str, str | None]

    def validate(  # type: ignore[override]
        self, base_metadata: TableMetadata | None
    ) -> None:
        """Compare with the metadata as it is now.

        Raises:
            CommitFailedException: Somebody was faster.
        """
        if base_metadata is None:
            message = "the table is gone"
            raise CommitFailedException(message)
        if base_metadata.next_sequence_number() != self.next_sequence_number:
            message = f"sequence number moved on from {self.next_sequence_number}"
            raise CommitFailedException(message)
        if base_metadata.current_snapshot_id != self.current_snapshot_id:
            message = f"main moved on from {self.current_snapshot_id}"
            raise CommitFailedException(message)
        for key, value in self.properties.items():
            if base_metadata.properties.get(key) != value:
                message = f"{key} was changed"
                raise CommitFailedException(message)


class FencedTransaction(Transaction):
    """Commit only onto the very table that was loaded, as far as the named properties go."""

    def __init__(self, table: Table, *properties: str) -> None:
        super().__init__(table, autocommit=False)
        self._seen: tuple[object, TableMetadata] | None = None
        requirement = AssertUnmoved(
            next_sequence_number=table.metadata.next_sequence_number(),
            current_snapshot_id=table.metadata.current_snapshot_id,
            properties={key: table.properties.get(key) for key in properties},
        )
        self._stage((), (requirement,))  # type: ignore[arg-type]

    @property
    def table_metadata(self) -> TableMetadata:
        """Return the metadata with the updates so far.

        The base class works it out anew on each of some thirty accesses a commit, in time that
        grows with the table's snapshots.
        """
        if self._seen is None or self._seen[0] is not self._updates:
            self._seen = (self._updates, super().table_metadata)
        return self._seen[1]


def retried(
    attempt: Callable[[], T],
    *,
    what: str,
    seconds: float = GIVE_UP_SECONDS,
    turn: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
) -> T:
    """Call `attempt` until it does not lose a race; it loads what it changes anew each time.

    Args:
        attempt: What to do.
        what: What it is done to, for errors.
        seconds: How long to go on.
        turn: Taken around each attempt where writers can wait for each other: it saves lost
            races, and nothing relies on it.

    Raises:
        TemporaryError: It lost for `seconds` on end.
        StorageFullError: No space is left.
    """
    give_up_at = time.monotonic() + seconds
    wait, missing = _FIRST_WAIT_SECONDS, 0
    while True:
        try:
            with storage_errors(what), turn():
                return attempt()
        except _LOST_RACES as error:
            if time.monotonic() > give_up_at:
                raise TemporaryError(
                    what,
                    expected=f"a commit within {seconds:.0f} s",
                    got=" ".join(str(error).split())[:300],
                    hint="Other writers were faster each time, or the catalog cannot be reached: "
                    "retry; if it stays, look at the catalog's database.",
                ) from error
        except FileNotFoundError:
            # The metadata that was loaded may be gone by now: maintenance, or a person forgotten.
            missing += 1
            if missing > _MISSING_FILES:
                raise
        # Full jitter: writers that lost together must not come back together.
        time.sleep(random.uniform(0, wait))  # noqa: S311 (spreads retries, guards nothing)
        wait = min(wait * 2, _LONGEST_WAIT_SECONDS)
