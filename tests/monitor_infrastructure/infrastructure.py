"""Facts of a small installation in which all is well, and findings of one check over them."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import TYPE_CHECKING, Any

from stationmaster.monitor.checks.looking import CheckLook, look_at
from stationmaster.monitor.facts.airflow import AirflowPart, AirflowTask
from stationmaster.monitor.facts.cluster import (
    ClusterNode,
    ClusterPod,
    NodeCondition,
    PodContainer,
)
from stationmaster.monitor.facts.facts import Facts
from stationmaster.monitor.facts.given import GivenAirflow, GivenCluster
from stationmaster.monitor.facts.trouble import Trouble, TroubleKind

if TYPE_CHECKING:
    from stationmaster.monitor.checks.check import Check
    from stationmaster.monitor.checks.finding import Finding

__all__ = [
    "NOW",
    "airflow",
    "away",
    "cluster",
    "condition",
    "container",
    "found",
    "minutes",
    "node",
    "outcome",
    "part",
    "pod",
    "step_pod",
    "task",
]

NOW = dt.datetime(2026, 3, 29, 6, 40, tzinfo=dt.UTC)
LONG_AGO = NOW - dt.timedelta(days=30)


def minutes(number: float) -> dt.timedelta:
    """Return so many minutes."""
    return dt.timedelta(minutes=number)


def found(check: Check, **parts: object) -> list[Finding]:
    """Return what a check finds; parts that are not given do not exist."""
    look = outcome(check, **parts)
    assert look.outcome in {"clear", "found"}, look.why
    return list(look.findings)


def outcome(check: Check, **parts: object) -> CheckLook:
    """Return one look of one check."""
    facts = Facts(now=NOW, parts={name: partial(_same, part) for name, part in parts.items()})
    (look,) = look_at(facts, [check]).checks
    return look


def away(kind: TroubleKind = TroubleKind.CLOSED, ago: float = 5, **fields: str) -> Trouble:
    """Return a trouble that began some minutes ago."""
    told = {"during": "connect", "sentence": "Connection refused"} | fields
    return Trouble(kind=kind, since=NOW - minutes(ago), **told)


def condition(
    kind: str, status: str, ago: float = 60, *, reason: str = "", message: str = ""
) -> NodeCondition:
    """Return a condition that changed some minutes ago."""
    since = NOW - minutes(ago)
    return NodeCondition(kind=kind, status=status, since=since, reason=reason, message=message)


def node(name: str, *conditions: NodeCondition, **fields: Any) -> ClusterNode:  # noqa: ANN401 (a node's)
    """Return a node, ready where nothing else is given."""
    given = conditions or (condition("Ready", "True"),)
    return ClusterNode(name=name, conditions=given, **{"created_at": LONG_AGO} | fields)


def container(name: str = "main", **fields: Any) -> PodContainer:  # noqa: ANN401 (a container's)
    """Return a container of an image of ours."""
    own: dict[str, Any] = {"image": "stationmaster/platform:1", "ready": True}
    return PodContainer(name=name, **own | fields)


def pod(name: str, *containers: PodContainer, **fields: Any) -> ClusterPod:  # noqa: ANN401 (a pod's)
    """Return a pod of the platform that runs."""
    well: dict[str, Any] = {
        "namespace": "airflow",
        "phase": "Running",
        "created_at": LONG_AGO,
        "node": "n1",
        "conditions": (condition("PodScheduled", "True"), condition("Ready", "True")),
    }
    return ClusterPod(name=name, containers=containers or (container(),), **well | fields)


def step_pod(name: str, *containers: PodContainer, **fields: Any) -> ClusterPod:  # noqa: ANN401 (a pod's)
    """Return a pod of a step of morning_analytics that runs."""
    labels = {
        "stationmaster.io/try-id": name,
        "stationmaster.io/pipeline": "morning_analytics",
        "app.kubernetes.io/name": "extract-web",
    }
    return pod(name, *containers, **{"namespace": "steps", "labels": labels} | fields)


def cluster(*pods: ClusterPod, nodes: tuple[ClusterNode, ...] = (), **fields: Any) -> GivenCluster:  # noqa: ANN401 (GivenCluster's)
    """Return a cluster of two nodes, both ready where none are given."""
    return GivenCluster(given_nodes=nodes or (node("n1"), node("n2")), given_pods=pods, **fields)


def part(name: str, *, healthy: bool | None = True, ago: float = 0.1) -> AirflowPart:
    """Return a part of Airflow that beat some minutes ago."""
    heartbeat = None if healthy is None else NOW - minutes(ago)
    return AirflowPart(name=name, healthy=healthy, heartbeat=heartbeat)


def airflow(*changed: AirflowPart, **fields: Any) -> GivenAirflow:  # noqa: ANN401 (GivenAirflow's)
    """Return an Airflow whose parts beat, but for those that are given."""
    names = ("dag-processor", "metadatabase", "scheduler", "triggerer")
    parts = {name: part(name) for name in names} | {each.name: each for each in changed}
    return GivenAirflow(given_parts=tuple(parts.values()), **fields)


def task(step: str, state: str, ago: float, **fields: Any) -> AirflowTask:  # noqa: ANN401 (a task's)
    """Return a task that came into its state some minutes ago."""
    moment = {"queued": "queued_at", "scheduled": "scheduled_at"}.get(state, "started_at")
    own: dict[str, Any] = {
        "pipeline": "morning_analytics",
        "run_id": "r1",
        moment: NOW - minutes(ago),
    }
    return AirflowTask(step=step, state=state, **own | fields)


def _same(part: object) -> object:
    return part
