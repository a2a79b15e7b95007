"""What is known of Stationmaster's own parts: the recorder's file, the watcher's last look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import datetime as dt

__all__ = ["PartsFacts", "SpoolState", "WatcherState"]


@dataclass(frozen=True, kw_only=True)
class SpoolState:
    """Hold a file of attempts that wait for the ledger's database.

    Args:
        path: The file.
        records: Lines in it, one an attempt.
        refused: Attempts put aside beside it, which no database takes.
        since: When its first line was written.
        refused_since: When the first was put aside.
    """

    path: str
    records: int = 0
    refused: int = 0
    since: dt.datetime | None = None
    refused_since: dt.datetime | None = None


@dataclass(frozen=True, kw_only=True)
class WatcherState:
    """Hold what the watchers left in the ledger.

    Args:
        holder: Who looks.
        looked_at: When it looked last.
        until: Until when it alone looks.
    """

    holder: str
    looked_at: dt.datetime | None
    until: dt.datetime


class PartsFacts(Protocol):
    """Tell what is known of our own parts; each answer is of one look, whoever asks for it."""

    def spools(self) -> tuple[SpoolState, ...]:
        """Return the recorder's files below our home folder.

        Raises:
            FactsUnavailableError: The folder cannot be read.
        """

    def watcher(self) -> WatcherState:
        """Return the watcher's state.

        Raises:
            FactsNotHereError: No watcher has ever looked here.
            FactsUnavailableError: The ledger does not answer.
        """
