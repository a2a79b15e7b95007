"""The lives of nodes: when each came, when it was last seen, and what it costs an hour.

Whoever runs steps watches all nodes, and looks at all of them each minute. Without a watch a
life's end is known to the minute.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from stationmaster.ledger.cost.nodes import NodeLife
from stationmaster.ledger.engine import transaction
from stationmaster.ledger.models import node_life

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

__all__ = ["THERE_SECONDS", "NodeSeen", "lives_between", "see_nodes"]

THERE_SECONDS: Final = 300.0
"""A node that was seen so short a time ago is there still."""


@dataclass(frozen=True, kw_only=True)
class NodeSeen:
    """Hold what was seen of one node; None and "" mean: not known.

    `created_at` is when its machine was launched, where that is known. `gone_at`: it was seen to
    go; a node that is only seen no more has none.
    `system_…` is what steps cannot ask for: capacity less allocatable.
    """

    uid: str
    name: str
    created_at: dt.datetime
    seen_at: dt.datetime
    gone_at: dt.datetime | None = None
    instance_type: str = ""
    capacity_type: str = ""
    region: str = ""
    zone: str = ""
    node_pool: str = ""
    cpu_millicores: int | None = None
    memory_bytes: int | None = None
    system_cpu_millicores: int | None = None
    system_memory_bytes: int | None = None
    price_per_hour: float | None = None
    price_currency: str = ""
    price_note: str = ""


def see_nodes(engine: sa.Engine, nodes: Iterable[NodeSeen]) -> None:
    """Write down nodes that are there, or gone; twice, or by two at once, is once."""
    rows = sorted((asdict(each) for each in nodes), key=lambda row: row["uid"])
    if not rows:
        return
    insert = (postgresql if engine.dialect.name == "postgresql" else sqlite).insert(node_life)
    fresh = {name: insert.excluded[name] for name in rows[0] if name not in {"uid", "created_at"}}
    # A machine's launch may be told after its node was seen first.
    created, known = insert.excluded.created_at, node_life.c.created_at
    fresh["created_at"] = sa.case((created < known, created), else_=known)
    newer = insert.excluded.seen_at >= node_life.c.seen_at
    upsert = insert.on_conflict_do_update(index_elements=["uid"], set_=fresh, where=newer)
    with transaction(engine, writes=True) as connection:
        connection.execute(upsert, rows)


def lives_between(engine: sa.Engine, since: dt.datetime, until: dt.datetime) -> list[NodeLife]:
    """Return the nodes that were there in a time and have a price and a size."""
    last = sa.func.coalesce(node_life.c.gone_at, node_life.c.seen_at)
    there = (node_life.c.created_at < until, node_life.c.seen_at >= since, last >= since)
    query = sa.select(node_life).where(*there).order_by(node_life.c.created_at)
    with transaction(engine) as connection:
        rows = [dict(row) for row in connection.execute(query).mappings()]
        newest: Any = connection.execute(sa.select(sa.func.max(node_life.c.seen_at))).scalar()
    return [_life(row, newest) for row in rows if _is_usable(row)]


def _is_usable(row: dict[str, Any]) -> bool:
    return row["price_per_hour"] is not None and bool(row["cpu_millicores"] or row["memory_bytes"])


def _life(row: dict[str, Any], newest: dt.datetime) -> NodeLife:
    gone = (newest - row["seen_at"]).total_seconds() > THERE_SECONDS
    return NodeLife(
        name=row["name"],
        start=row["created_at"],
        end=row["gone_at"] or (row["seen_at"] if gone else None),
        price_per_hour=row["price_per_hour"],
        cpu_millicores=row["cpu_millicores"] or 0,
        memory_bytes=row["memory_bytes"] or 0,
        system_cpu_millicores=row["system_cpu_millicores"] or 0,
        system_memory_bytes=row["system_memory_bytes"] or 0,
        instance_type=row["instance_type"],
        capacity_type=row["capacity_type"],
        node_pool=row["node_pool"],
    )
