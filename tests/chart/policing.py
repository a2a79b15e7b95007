"""What NetworkPolicies let through: a pod that one selects may do what some rule names."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tests.chart.rendering import Object

__all__ = ["AGENT", "BUCKET", "DNS", "METADATA", "Peer", "part", "reaches", "step"]


@dataclass(frozen=True)
class Peer:
    """Name one end: a pod by namespace and labels, or an address outside the cluster."""

    namespace: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    address: str = ""


BUCKET: Final = Peer(address="52.218.1.1")
AGENT: Final = Peer(address="169.254.170.23")
METADATA: Final = Peer(address="169.254.169.254")
DNS: Final = Peer("kube-system", {"k8s-app": "kube-dns"})


def part(component: str, namespace: str = "stationmaster") -> Peer:
    """Return a pod of the release."""
    names = {"name": "stationmaster", "instance": "stationmaster", "component": component}
    return Peer(namespace, {f"app.kubernetes.io/{key}": value for key, value in names.items()})


def step(job: str = "extract-web") -> Peer:
    """Return a step's pod."""
    return Peer("stationmaster-steps", {"app.kubernetes.io/name": job})


def reaches(
    objects: list[Object], source: Peer, target: Peer, port: int, protocol: str = "TCP"
) -> bool:
    """Tell whether a connection is let out by its source's policies and in by its target's."""
    out = _lets(objects, "Egress", source, target, (port, protocol))
    return out and _lets(objects, "Ingress", target, source, (port, protocol))


def _lets(objects: list[Object], way: str, pod: Peer, other: Peer, port: tuple[int, str]) -> bool:
    policies = [
        item["spec"]
        for item in objects
        if item["kind"] == "NetworkPolicy"
        and item["metadata"].get("namespace", "stationmaster") == pod.namespace
        and way in item["spec"]["policyTypes"]
        and _selects(item["spec"]["podSelector"], pod.labels)
    ]
    rules = [rule for spec in policies for rule in spec.get(way.lower()) or []]
    key = "to" if way == "Egress" else "from"
    return not policies or any(
        _names_port(rule, port) and _names_peer(rule.get(key), pod, other) for rule in rules
    )


def _names_port(rule: dict[str, Any], port: tuple[int, str]) -> bool:
    ports = rule.get("ports")
    return not ports or port in [(entry["port"], entry["protocol"]) for entry in ports]


def _names_peer(entries: list[dict[str, Any]] | None, pod: Peer, other: Peer) -> bool:
    if not entries:
        return True
    return any(_is_peer(entry, pod, other) for entry in entries)


def _is_peer(entry: dict[str, Any], pod: Peer, other: Peer) -> bool:
    if block := entry.get("ipBlock"):
        return bool(other.address) and ipaddress.ip_address(other.address) in ipaddress.ip_network(
            block["cidr"]
        )
    if other.address:
        return False
    namespaces = entry.get("namespaceSelector")
    there = {"kubernetes.io/metadata.name": other.namespace}
    same = other.namespace == pod.namespace if namespaces is None else _selects(namespaces, there)
    return same and _selects(entry.get("podSelector", {}), other.labels)


def _selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    wanted = selector.get("matchLabels", {}).items() <= labels.items()
    for expression in selector.get("matchExpressions", []):
        inside = labels.get(expression["key"]) in expression["values"]
        wanted = wanted and inside is (expression["operator"] == "In")
    return bool(wanted)
