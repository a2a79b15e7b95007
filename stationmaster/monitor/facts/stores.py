"""What databases, object stores, the network between and local disks are like, as tried now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import datetime as dt

    from stationmaster.monitor.facts.fillings import Filling
    from stationmaster.monitor.facts.trouble import Trouble

__all__ = [
    "DatabaseState",
    "Hop",
    "LongTransaction",
    "ObjectStoreState",
    "StoresFacts",
]


@dataclass(frozen=True, kw_only=True)
class LongTransaction:
    """Hold the transaction that has been open for longest.

    Args:
        pid: Of its backend.
        user: Whose it is.
        application: As it calls itself.
        began_at: When it began.
        state: active, or idle in transaction.
    """

    pid: int
    user: str
    application: str
    began_at: dt.datetime
    state: str


@dataclass(frozen=True, kw_only=True)
class DatabaseState:
    """Hold one database server.

    Args:
        server: `host:port`, or a sqlite file's name.
        names: What is in it for us: ledger, catalog, airflow; sorted.
        trouble: Why nothing else is known.
        round_trip_seconds: The best of a few tiny questions.
        connections: In use by clients.
        most_connections: That clients without special rights may have.
        longest: The transaction open for longest, where one has been for a second.
        size_bytes: Of all our databases in it.
    """

    server: str
    names: tuple[str, ...]
    trouble: Trouble | None = None
    round_trip_seconds: float | None = None
    connections: int | None = None
    most_connections: int | None = None
    longest: LongTransaction | None = None
    size_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class ObjectStoreState:
    """Hold one bucket, or one local folder that stands for one.

    Args:
        name: The bucket's name, or the folder.
        server: `host:port` of its endpoint; empty for a folder.
        uses: What lies there: warehouse, landing, reports, logs; sorted.
        wrote: A probe was written, read and deleted, not only listed.
        trouble: What went wrong.
        seconds: How long the tries took together.
    """

    name: str
    server: str
    uses: tuple[str, ...]
    wrote: bool = False
    trouble: Trouble | None = None
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Hop:
    """Hold the way from here to one other part.

    Args:
        target: `host:port`.
        uses: Who is there: ledger, warehouse, Airflow, Prometheus; sorted.
        trouble: Where the way is broken: `during` is dns, tcp or tls.
        seconds: How long it took to get through.
        certificate_ends_at: Until when its certificate holds, where TLS is spoken.
    """

    target: str
    uses: tuple[str, ...]
    trouble: Trouble | None = None
    seconds: float | None = None
    certificate_ends_at: dt.datetime | None = None


class StoresFacts(Protocol):
    """Tell what stores are like; each answer is of one look, whoever asks for it.

    A store in trouble is an answer. Methods raise FactsNotHereError where there is none.
    """

    def databases(self) -> tuple[DatabaseState, ...]:
        """Return each database server that our URIs name, once."""

    def object_stores(self) -> tuple[ObjectStoreState, ...]:
        """Return each bucket or folder that our places name, once."""

    def hops(self) -> tuple[Hop, ...]:
        """Return the way to each other part that is reached by a network."""

    def disks(self) -> tuple[Filling, ...]:
        """Return the disks below our local folders."""
