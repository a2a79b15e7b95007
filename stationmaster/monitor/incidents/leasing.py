"""One watcher looks at a time: whoever has the lease; another one takes over when it is over."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from stationmaster.ledger.incidentmodels import watch_lease
from stationmaster.monitor.incidents.book import changing
from stationmaster.step.errors import StationmasterError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Lease",
    "LeaseLostError",
    "give_back",
    "looked",
    "read_lease",
    "require_lease",
    "take_lease",
]

NAME: Final = "watcher"

LENGTH: Final = "lease_seconds"

CLOCKS: Final = 2
"""Clocks of two watchers may differ by the length of a lease, not by more."""


class LeaseLostError(StationmasterError):
    """Another watcher looks now; what this one saw is not written."""


@dataclass(frozen=True, kw_only=True)
class Lease:
    """Hold who looks.

    Args:
        holder: Name of the watcher.
        until: Until when, unless it takes the lease again.
        looked_at: The moment of its last look.
        document: What it says of itself: host, process, how often it looks.
    """

    holder: str
    until: dt.datetime
    looked_at: dt.datetime | None = None
    document: Mapping[str, Any] = field(default_factory=dict)


def take_lease(
    engine: sa.Engine,
    holder: str,
    *,
    now: dt.datetime,
    length: dt.timedelta,
    about: Mapping[str, Any],
) -> Lease:
    """Take the lease, or take it again; return the lease that stands, whoever has it.

    One that ends much later than it can is of a clock that was ahead: it keeps nobody out.
    """
    said = {**about, LENGTH: length.total_seconds()}
    with changing(engine) as connection:
        found = read_lease(connection)
        if found is not None and found.holder != holder and _holds(found, now):
            return found
        row = {"holder": holder, "until": now + length, "document": said}
        if found is None:
            connection.execute(sa.insert(watch_lease).values(name=NAME, **row))
        else:
            mine = sa.update(watch_lease).where(watch_lease.c.name == NAME)
            connection.execute(mine.values(**row))
        looked_at = None if found is None else found.looked_at
        return Lease(holder=holder, until=now + length, looked_at=looked_at, document=said)


def _holds(lease: Lease, now: dt.datetime) -> bool:
    length = lease.document.get(LENGTH)
    longest = dt.timedelta.max if length is None else CLOCKS * dt.timedelta(seconds=length)
    return dt.timedelta(0) < lease.until - now <= longest


def give_back(engine: sa.Engine, holder: str, *, now: dt.datetime) -> None:
    """End a lease that one has, so that another watcher need not wait for its end."""
    with changing(engine) as connection:
        mine = (watch_lease.c.name == NAME) & (watch_lease.c.holder == holder)
        connection.execute(sa.update(watch_lease).where(mine).values(until=now))


def read_lease(connection: sa.Connection) -> Lease | None:
    """Return the lease; None: nobody ever looked."""
    query = sa.select(watch_lease).where(watch_lease.c.name == NAME)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    return Lease(
        holder=row["holder"],
        until=row["until"],
        looked_at=row["looked_at"],
        document=row["document"] or {},
    )


def require_lease(connection: sa.Connection, holder: str, *, now: dt.datetime) -> Lease:
    """Return one's lease.

    Raises:
        LeaseLostError: Another watcher has it, or it is over.
    """
    found = read_lease(connection)
    if found is None or found.holder != holder or found.until <= now:
        who = "nobody" if found is None else f"{found.holder} until {found.until:%H:%M:%S} UTC"
        message = f"The lease of {holder} is over; {who} looks. What it saw was not written."
        raise LeaseLostError(message)
    return found


def looked(connection: sa.Connection, at: dt.datetime) -> None:
    """Write down that the watcher looked."""
    mine = sa.update(watch_lease).where(watch_lease.c.name == NAME)
    connection.execute(mine.values(looked_at=at))
