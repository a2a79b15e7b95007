"""What a node's JSON says of the machine under it: its type, its place, how it is paid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict

from stationmaster.airflow.life.podfacts import bytes_of, millicores_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NodeFacts", "node_facts_of"]

INSTANCE_TYPES: Final = ("node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type")
POOLS: Final = (
    *("karpenter.sh/nodepool", "eks.amazonaws.com/nodegroup", "cloud.google.com/gke-nodepool"),
    *("kubernetes.azure.com/agentpool", "alpha.eksctl.io/nodegroup-name"),
)
CAPACITY_TYPES: Final = (
    *(
        "karpenter.sh/capacity-type",
        "eks.amazonaws.com/capacityType",
        "node.kubernetes.io/lifecycle",
    ),
    "cloud.google.com/gke-provisioning",
)
CAPACITY: Final = {
    "spot": "spot",
    "on-demand": "on-demand",
    "on_demand": "on-demand",
    "normal": "on-demand",
    "standard": "on-demand",
    "reserved": "reserved",
    "capacity_block": "reserved",
}
"""What Karpenter, EKS's node groups, eksctl and GKE call it, in lower case."""


class NodeFacts(BaseModel):
    """Hold what a record needs to know of a node; the field names are those of AttemptRecord."""

    model_config = ConfigDict(frozen=True)

    instance_type: str = ""
    capacity_type: str = ""
    region: str = ""
    zone: str = ""
    node_pool: str = ""
    node_cpu_millicores: int | None = None
    node_memory_bytes: int | None = None


def node_facts_of(node: Mapping[str, Any]) -> NodeFacts:
    """Return what a node's labels and capacity say; "" and None for what they do not.

    Labels: kubernetes.io/docs/reference/labels-annotations-taints, karpenter.sh/docs/concepts.
    """
    labels: Mapping[str, str] = node["metadata"].get("labels") or {}
    capacity = (node.get("status") or {}).get("capacity") or {}
    told = _first(labels, CAPACITY_TYPES).lower()
    return NodeFacts(
        instance_type=_first(labels, INSTANCE_TYPES),
        capacity_type=CAPACITY.get(told, told),
        region=labels.get("topology.kubernetes.io/region", ""),
        zone=labels.get("topology.kubernetes.io/zone", ""),
        node_pool=_first(labels, POOLS),
        node_cpu_millicores=millicores_of(capacity.get("cpu")),
        node_memory_bytes=bytes_of(capacity.get("memory")),
    )


def _first(labels: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((labels[name] for name in names if labels.get(name)), "")
