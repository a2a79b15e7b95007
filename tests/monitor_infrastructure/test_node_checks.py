"""Nodes: which of them are found, since when, and how bad it is."""

from __future__ import annotations

from stationmaster.monitor.checks.infrastructure.nodes import node_not_ready, node_under_pressure
from stationmaster.monitor.facts.given import GivenCluster, GivenPrometheus
from stationmaster.monitor.facts.prometheus import NodeMemory
from tests.monitor_infrastructure.infrastructure import (
    NOW,
    away,
    cluster,
    condition,
    found,
    minutes,
    node,
    outcome,
    pod,
    step_pod,
)

SILENT = condition("Ready", "Unknown", 4, reason="NodeStatusUnknown", message="Kubelet stopped.")
GIB = 2.0**30


def test_a_silent_node_is_found_with_what_ran_on_it() -> None:
    """The finding names the node, since when it is silent, and the pipelines of its steps."""
    cluster_ = cluster(step_pod("x"), nodes=(node("n1", SILENT), node("n2"), node("n3")))

    (finding,) = found(node_not_ready, cluster=cluster_)

    assert str(finding.subject) == "node:n1"
    assert finding.since == NOW - minutes(4)
    assert finding.severity == "warning"
    assert finding.affected == ("morning_analytics",)
    assert "kubectl describe node n1" in finding.next_action


def test_a_node_that_holds_the_platform_is_critical() -> None:
    """Where a part of Airflow runs on it, somebody must look at once."""
    cluster_ = cluster(pod("scheduler"), nodes=(node("n1", SILENT), node("n2"), node("n3")))

    (finding,) = found(node_not_ready, cluster=cluster_)

    assert finding.severity == "critical"


def test_nodes_that_come_and_go_are_left_alone() -> None:
    """A node that joins, or is taken away on purpose, is no trouble."""
    joining = node("new", condition("Ready", "False", 1), created_at=NOW - minutes(2))
    leaving = node("old", SILENT, leaving=True)

    assert found(node_not_ready, cluster=cluster(nodes=(joining, leaving, node("n1")))) == []


def test_ready_nodes_are_clear_and_a_silent_api_is_unknown() -> None:
    """No answer is not "all is well"."""
    assert found(node_not_ready, cluster=cluster()) == []
    assert outcome(node_not_ready, cluster=GivenCluster(away=away())).outcome == "unknown"
    assert outcome(node_not_ready).outcome == "not-here"


def test_pressure_is_told_once_a_node_with_what_was_evicted() -> None:
    """Two conditions of one node are one finding; pods that were evicted are named."""
    short = node("n1", condition("MemoryPressure", "True", 7), condition("DiskPressure", "True", 3))
    evicted = step_pod("x", phase="Failed", reason="Evicted")

    (finding,) = found(node_under_pressure, cluster=cluster(evicted, nodes=(short,)))

    assert finding.what == "Node n1 has been short of memory for 7 min; it evicted x."
    assert finding.since == NOW - minutes(7)


def test_prometheus_knows_of_little_memory_before_the_kubelet_does() -> None:
    """Less than a twentieth for ten minutes is pressure, whatever the conditions say."""
    low = NodeMemory(
        node="n1", total_bytes=16 * GIB, available_bytes=GIB / 2, below_since=NOW - minutes(12)
    )
    brief = NodeMemory(
        node="n2", total_bytes=16 * GIB, available_bytes=GIB / 2, below_since=NOW - minutes(2)
    )
    prometheus = GivenPrometheus(given_memory=(low, brief))

    (finding,) = found(node_under_pressure, cluster=cluster(), prometheus=prometheus)

    assert "Node n1 has been short of memory: 512 MiB of 16 GiB left for 12 min" in finding.what


def test_pressure_is_unknown_only_where_nobody_knows() -> None:
    """One of two sources is enough; none of two is not clear."""
    silent = GivenCluster(away=away())

    assert found(node_under_pressure, cluster=silent, prometheus=GivenPrometheus()) == []
    assert found(node_under_pressure, cluster=cluster()) == []
    assert outcome(node_under_pressure, cluster=silent).outcome == "unknown"
