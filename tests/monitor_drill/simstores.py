"""Stores that are well, and our own parts, where a drill is about something else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stationmaster.monitor.facts.missing import FactsNotHereError
from stationmaster.monitor.facts.stores import DatabaseState, Hop, ObjectStoreState

if TYPE_CHECKING:
    import datetime as dt

    from stationmaster.monitor.facts.fillings import Filling
    from stationmaster.monitor.facts.parts import SpoolState, WatcherState

__all__ = ["WellParts", "WellStores"]


@dataclass(frozen=True)
class WellStores:
    """Answer as `StoresFacts`: all is well; `disks` as told."""

    filling: tuple[Filling, ...] = ()

    def databases(self) -> tuple[DatabaseState, ...]:
        """Return one server with everything in it."""
        names = ("airflow", "catalog", "ledger")
        return (
            DatabaseState(
                server="postgres:5432",
                names=names,
                round_trip_seconds=0.002,
                connections=23,
                most_connections=97,
                size_bytes=300_000_000,
            ),
        )

    def object_stores(self) -> tuple[ObjectStoreState, ...]:
        """Return one bucket."""
        uses = ("landing", "logs", "reports", "warehouse")
        return (
            ObjectStoreState(name="lake", server="s3:8333", uses=uses, wrote=True, seconds=0.05),
        )

    def hops(self) -> tuple[Hop, ...]:
        """Return the ways to both."""
        return (
            Hop(target="postgres:5432", uses=("ledger",), seconds=0.001),
            Hop(target="s3:8333", uses=("warehouse",), seconds=0.001),
        )

    def disks(self) -> tuple[Filling, ...]:
        """Return the disks that were told."""
        return self.filling


@dataclass(frozen=True)
class WellParts:
    """Answer as `PartsFacts`: nothing waits for the ledger."""

    now: dt.datetime

    def spools(self) -> tuple[SpoolState, ...]:
        """Return none."""
        return ()

    def watcher(self) -> WatcherState:
        """Say that none has looked: a drill looks itself."""
        message = "no watcher has looked here"
        raise FactsNotHereError(message)
