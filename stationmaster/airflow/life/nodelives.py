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

__all__ = ["launches_of", "nodes_seen"]


def launches_of(claims: Iterable[Mapping[str, Any]]) -> dict[str, dt.datetime]:
    """Return when the machines of Karpenter's NodeClaims were launched, by their provider ids.

    A machine is paid from its launch; its node comes half a minute later
    (karpenter.sh/docs/concepts/nodeclaims).
    """
    found = ((_provider_id(claim.get("status")), _launched(claim)) for claim in claims)
    return {name: launched for name, launched in found if name and launched is not None}


def nodes_seen(
    nodes: Iterable[Mapping[str, Any]],
    prices: PriceBook,
    now: dt.datetime,
    launches: Mapping[str, dt.datetime] | None = None,
) -> list[NodeSeen]:
    """Return what the ledger keeps of the nodes that are there; one without a uid is left out.

    Args:
        nodes: As the API tells them.
        prices: What they cost.
        now: When they were there.
        launches: When their machines were launched, by provider id; the node's creation where
            that is not known.
    """
    found = (_seen(node, prices, now, launches or {}) for node in nodes)
    return [each for each in found if each is not None]


def _seen(
    node: Mapping[str, Any],
    prices: PriceBook,
    now: dt.datetime,
    launches: Mapping[str, dt.datetime],
) -> NodeSeen | None:
    metadata, facts = node["metadata"], node_facts_of(node)
    registered = moment(metadata.get("creationTimestamp"))
    created = launches.get(_provider_id(node.get("spec")), registered)
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


def _provider_id(part: Mapping[str, Any] | None) -> str:
    return str((part or {}).get("providerID") or "")


def _launched(claim: Mapping[str, Any]) -> dt.datetime | None:
    conditions = (claim.get("status") or {}).get("conditions") or ()
    for each in conditions:
        if each.get("type") == "Launched" and each.get("status") == "True":
            return moment(each.get("lastTransitionTime"))
    return moment(claim["metadata"].get("creationTimestamp"))


def _rest(capacity: int | None, allocatable: int | None) -> int | None:
    if capacity is None or allocatable is None:
        return None
    return max(0, capacity - allocatable)
