"""Nodes: away, or short of memory, disk or processes."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from stationmaster.ledger.quantities import size_text
from stationmaster.monitor.checks.check import check
from stationmaster.monitor.checks.finding import Finding, Layer, Severity, Subject, SubjectKind
from stationmaster.monitor.checks.infrastructure.wording import (
    OWNER,
    ago,
    and_more,
    if_known,
)
from stationmaster.monitor.facts.missing import FactsNotHereError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stationmaster.monitor.facts.cluster import ClusterNode, ClusterPod
    from stationmaster.monitor.facts.facts import Facts

__all__ = ["node_not_ready", "node_under_pressure"]

JOINING: Final = dt.timedelta(minutes=5)
"""A new node is not ready for a while, and nobody is worse off."""

PRESSURES: Final = {
    "MemoryPressure": "memory",
    "DiskPressure": "disk space",
    "PIDPressure": "process ids",
}
SHORT: Final = dt.timedelta(minutes=10)


@check(
    "node-not-ready",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.WARNING,
    owner=OWNER,
    hold=dt.timedelta(minutes=2),
    clear_after=dt.timedelta(minutes=3),
)
def node_not_ready(facts: Facts) -> Iterator[Finding]:
    """A node's kubelet says nothing, or says that it is not ready."""
    nodes = facts.cluster.nodes()
    away = [node for node in nodes if _is_away(node, facts.now)]
    most = len(away) * 2 >= len(nodes)
    for node in away:
        ready = node.condition("Ready")
        since = ready.since if ready and ready.since else node.created_at or facts.now
        silent = ready is None or ready.status == "Unknown"
        why = ready.message.rstrip(".") if ready else "it never said it was"
        on_it = _pods_on(facts, node.name)
        yield node_not_ready.finding(
            Subject(SubjectKind.NODE, node.name),
            severity=Severity.CRITICAL if most or _holds_platform(on_it) else Severity.WARNING,
            what=f"Node {node.name} has {'said nothing' if silent else 'not been ready'} "
            f"{ago(since, facts.now)}: {why}.",
            next_action=f"Look at it (`kubectl describe node {node.name}`); if it does not come "
            "back within minutes, drain and replace it: its steps are started again elsewhere.",
            since=since,
            affected=_pipelines(on_it),
            got=ready.reason if ready else "",
            evidence={"nodes": len(nodes), "away": len(away), "pods_on_it": len(on_it)},
        )


@check(
    "node-under-pressure",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.WARNING,
    owner=OWNER,
    hold=dt.timedelta(minutes=5),
    clear_after=dt.timedelta(minutes=10),
)
def node_under_pressure(facts: Facts) -> Iterator[Finding]:
    """A node runs short of memory, disk or processes, and evicts pods, or will."""
    told: set[str] = set()
    nodes = if_known(facts, lambda f: f.cluster.nodes())
    for node in nodes or ():
        for kind, short_of in PRESSURES.items():
            condition = node.condition(kind)
            if condition is not None and condition.status == "True" and node.name not in told:
                told.add(node.name)
                yield _pressure(facts, node.name, short_of, condition.since or facts.now)
    memories = if_known(facts, lambda f: f.prometheus.memory())
    for memory in memories or ():
        since = memory.below_since
        if since is not None and facts.now - since >= SHORT and memory.node not in told:
            told.add(memory.node)
            left, total = size_text(memory.available_bytes), size_text(memory.total_bytes)
            yield _pressure(facts, memory.node, f"memory: {left} of {total} left", since)
    if nodes is None and memories is None:
        facts.cluster.nodes()  # raises why nobody knows


def _pressure(facts: Facts, node: str, short_of: str, since: dt.datetime) -> Finding:
    on_it = _pods_on(facts, node)
    evicted = [pod.name for pod in on_it if pod.reason == "Evicted"]
    return node_under_pressure.finding(
        Subject(SubjectKind.NODE, node),
        what=f"Node {node} has been short of {short_of} {ago(since, facts.now)}"
        + (f"; it evicted {and_more(evicted)}." if evicted else "."),
        next_action=f"See what uses it (`kubectl describe node {node}`, `kubectl top pods -A "
        f"--field-selector spec.nodeName={node}`); cordon it if it goes on evicting.",
        since=since,
        affected=_pipelines(on_it),
        evidence={"pods_on_it": len(on_it), "evicted": len(evicted)},
    )


def _is_away(node: ClusterNode, now: dt.datetime) -> bool:
    ready = node.condition("Ready")
    if node.leaving or (ready is not None and ready.status == "True"):
        return False
    return node.created_at is None or now - node.created_at > JOINING


def _pods_on(facts: Facts, node: str) -> list[ClusterPod]:
    try:
        return [pod for pod in facts.cluster.pods() if pod.node == node]
    except FactsNotHereError:
        return []


def _holds_platform(pods: list[ClusterPod]) -> bool:
    return any(not pod.is_step and pod.phase == "Running" for pod in pods)


def _pipelines(pods: list[ClusterPod]) -> tuple[str, ...]:
    going = {pod.pipeline for pod in pods if pod.phase in {"Pending", "Running"}}
    return tuple(sorted(going - {""}))
