"""From the nodes' JSON to their rows in the ledger: the bill that steps are a part of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stationmaster.airflow.life.nodefacts import node_facts_of
from stationmaster.airflow.life.podfacts import bytes_of, millicores_of, moment
from stationmaster.ledger.nodelives import NodeSeen

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from stationmaster.ledger.cost.prices import PriceBook

__all__ = ["nodes_seen"]


def nodes_seen(
    nodes: Iterable[Mapping[str, Any]], prices: PriceBook, now: dt.datetime
) -> list[NodeSeen]:
    """Return what the ledger keeps of the nodes that are there; one without a uid is left out."""
    found = (_seen(node, prices, now) for node in nodes)
    return [each for each in found if each is not None]


def _seen(node: Mapping[str, Any], prices: PriceBook, now: dt.datetime) -> NodeSeen | None:
    metadata, facts = node["metadata"], node_facts_of(node)
    created = moment(metadata.get("creationTimestamp"))
    if created is None or not metadata.get("uid"):
        return None
    free = (node.get("status") or {}).get("allocatable") or {}
    price = prices.price_of(facts.instance_type, facts.capacity_type, facts.region)
    return NodeSeen(
        uid=metadata["uid"],
        name=metadata["name"],
        created_at=created,
        seen_at=now,
        instance_type=facts.instance_type,
        capacity_type=facts.capacity_type,
        region=facts.region,
        zone=facts.zone,
        node_pool=facts.node_pool,
        cpu_millicores=facts.node_cpu_millicores,
        memory_bytes=facts.node_memory_bytes,
        system_cpu_millicores=_rest(facts.node_cpu_millicores, millicores_of(free.get("cpu"))),
        system_memory_bytes=_rest(facts.node_memory_bytes, bytes_of(free.get("memory"))),
        price_per_hour=price.per_hour,
        price_currency=price.currency,
        price_note=price.note,
    )


def _rest(capacity: int | None, allocatable: int | None) -> int | None:
    if capacity is None or allocatable is None:
        return None
    return max(0, capacity - allocatable)
