"""What is underneath a part or a server that does not answer: its pods, and their nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stationmaster.monitor.checks.finding import Subject, SubjectKind
from stationmaster.monitor.checks.infrastructure.wording import if_known

if TYPE_CHECKING:
    from collections.abc import Callable

    from stationmaster.monitor.facts.cluster import ClusterPod
    from stationmaster.monitor.facts.facts import Facts

__all__ = ["COMPONENT", "causes_of_part", "causes_of_server"]

COMPONENT: Final = "app.kubernetes.io/component"
"""By which label the chart tells its parts apart."""


def causes_of_part(facts: Facts, component: str) -> tuple[Subject, ...]:
    """Return the pods of a part that do not run, and their nodes: they are why it is silent.

    Args:
        facts: Of the look.
        component: As the chart labels the part's pods.
    """
    return _causes(facts, lambda pod: pod.labels.get(COMPONENT) == component)


def causes_of_server(facts: Facts, server: str) -> tuple[Subject, ...]:
    """Return why a server within the cluster may be away: its pods that do not run, their nodes.

    A Service mostly has the name of the workload behind it; one that has not explains nothing.

    Args:
        facts: Of the look.
        server: `host:port`.
    """
    host = server.rpartition(":")[0] or server

    def is_behind(pod: ClusterPod) -> bool:
        full = f"{pod.workload}.{pod.namespace}"
        return host in {pod.workload, full} or host.startswith(f"{full}.")

    return _causes(facts, is_behind)


def _causes(facts: Facts, is_mine: Callable[[ClusterPod], bool]) -> tuple[Subject, ...]:
    causes: dict[Subject, None] = {}
    away = {
        node.name
        for node in if_known(facts, lambda f: f.cluster.nodes()) or ()
        if (ready := node.condition("Ready")) is None or ready.status != "True"
    }
    for pod in if_known(facts, lambda f: f.cluster.pods()) or ():
        if not is_mine(pod):
            continue
        ready = pod.condition("Ready")
        if pod.node in away:
            # Also where it is to be deleted: its node does not say that it has ended.
            causes[Subject(SubjectKind.NODE, pod.node)] = None
        elif not pod.leaving and (ready is None or ready.status != "True"):
            causes[Subject(SubjectKind.POD, f"{pod.namespace}/{pod.workload}")] = None
            if not pod.node:
                causes[Subject(SubjectKind.POD, pod.namespace)] = None
    return tuple(causes)
