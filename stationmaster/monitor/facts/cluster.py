"""What Kubernetes says: nodes, the pods of our namespaces, their volume claims."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from stationmaster.monitor.facts.fillings import Filling
    from stationmaster.monitor.facts.trouble import Trouble

__all__ = [
    "FINALIZER",
    "ClusterClaim",
    "ClusterFacts",
    "ClusterNode",
    "ClusterPod",
    "NodeCondition",
    "PodContainer",
]

TRY_ID_LABEL: Final = "stationmaster.io/try-id"
FINALIZER: Final = "stationmaster.io/evidence"
"""Holds an attempt's pod until its end is recorded (stationmaster/airflow/life/names.py)."""

_REPLICA_SET_HASH = re.compile(r"-[a-z0-9]{5,10}$")


@dataclass(frozen=True, kw_only=True)
class NodeCondition:
    """Hold one condition of a node or pod.

    Args:
        kind: Kubernetes' word: Ready, MemoryPressure, DiskPressure, PIDPressure, PodScheduled.
        status: True, False or Unknown (its kubelet has said nothing for a while).
        since: When it changed last.
        reason: Kubernetes' word for why.
        message: Its sentence.
    """

    kind: str
    status: str
    since: dt.datetime | None = None
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class ClusterNode:
    """Hold one node.

    Args:
        name: Its name.
        conditions: As its kubelet and the node controller say.
        cordoned: Nothing new is put there.
        leaving: It is being taken away: deleted, or tainted for that by its autoscaler.
        created_at: When it joined.
    """

    name: str
    conditions: tuple[NodeCondition, ...] = ()
    cordoned: bool = False
    leaving: bool = False
    created_at: dt.datetime | None = None

    def condition(self, kind: str) -> NodeCondition | None:
        """Return a condition by its kind."""
        return next((each for each in self.conditions if each.kind == kind), None)


@dataclass(frozen=True, kw_only=True)
class PodContainer:
    """Hold one container of a pod.

    Args:
        name: Its name.
        image: As asked for.
        ready: It answers.
        restarts: How often it was started again.
        waiting: Kubernetes' word for why it does not run: CrashLoopBackOff, ImagePullBackOff.
        message: The sentence to it.
        last_reason: Why it ended the last time: OOMKilled, Error, Completed.
        last_exit_code: As it ended the last time.
        last_ended_at: When it ended the last time.
        started_at: When it began to run, where it runs.
    """

    name: str
    image: str = ""
    ready: bool = False
    restarts: int = 0
    waiting: str = ""
    message: str = ""
    last_reason: str = ""
    last_exit_code: int | None = None
    last_ended_at: dt.datetime | None = None
    started_at: dt.datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ClusterPod:
    """Hold one pod.

    Args:
        namespace: Where.
        name: Its name.
        phase: Pending, Running, Succeeded, Failed or Unknown.
        reason: Kubernetes' word where it failed as a whole: Evicted, NodeLost.
        message: The sentence to it.
        node: Where it was put; empty while it has no place.
        created_at: When it was made.
        ended_at: When its last container ended, where all have.
        leaving: It is being deleted.
        owner_kind: ReplicaSet, StatefulSet, Job, DaemonSet; empty: a pod of its own, as steps are.
        owner: The owner's name.
        labels: As they are.
        finalizers: What holds it after its deletion.
        conditions: As Kubernetes says.
        containers: Init containers first.
        claims: The volume claims it uses.
    """

    namespace: str
    name: str
    phase: str
    created_at: dt.datetime
    reason: str = ""
    message: str = ""
    node: str = ""
    ended_at: dt.datetime | None = None
    leaving: bool = False
    owner_kind: str = ""
    owner: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    finalizers: tuple[str, ...] = ()
    conditions: tuple[NodeCondition, ...] = ()
    containers: tuple[PodContainer, ...] = ()
    claims: tuple[str, ...] = ()

    @property
    def workload(self) -> str:
        """Return the name that stays while its pods come and go: a deployment's, a job's."""
        if self.owner_kind == "ReplicaSet":
            return _REPLICA_SET_HASH.sub("", self.owner)
        if self.owner:
            return self.owner
        return self.job or self.name

    @property
    def is_step(self) -> bool:
        """Tell whether it is an attempt of a step."""
        return TRY_ID_LABEL in self.labels

    @property
    def job(self) -> str:
        """Return the job that a step's pod runs, else nothing."""
        return self.labels.get("app.kubernetes.io/name", "") if self.is_step else ""

    @property
    def pipeline(self) -> str:
        """Return the pipeline whose step it is, as its label writes it, else nothing."""
        return self.labels.get("stationmaster.io/pipeline", "")

    @property
    def step(self) -> str:
        """Return the step's name, as its label writes it, else nothing."""
        return self.labels.get("stationmaster.io/step", "")

    def condition(self, kind: str) -> NodeCondition | None:
        """Return a condition by its kind."""
        return next((each for each in self.conditions if each.kind == kind), None)


@dataclass(frozen=True, kw_only=True)
class ClusterClaim:
    """Hold one claim of a volume.

    Args:
        namespace: Where.
        name: Its name.
        phase: Pending, Bound or Lost.
        created_at: When it was made.
        storage_class: Which kind of volume it asks for.
        volume: The volume that it has, or had.
        problem: What the provisioner said last, where it complained.
    """

    namespace: str
    name: str
    phase: str
    created_at: dt.datetime
    storage_class: str = ""
    volume: str = ""
    problem: str = ""


class ClusterFacts(Protocol):
    """Tell what the cluster is like; each answer is of one look, whoever asks for it.

    Every method raises FactsNotHereError where there is no cluster, and FactsUnavailableError
    where its API server does not answer or refuses.
    """

    def trouble(self) -> Trouble | None:
        """Return why the API server cannot be asked; None where it answers."""

    def nodes(self) -> tuple[ClusterNode, ...]:
        """Return all nodes, by name."""

    def pods(self) -> tuple[ClusterPod, ...]:
        """Return all pods of our namespaces, the oldest first."""

    def claims(self) -> tuple[ClusterClaim, ...]:
        """Return the volume claims of our namespaces, by name."""

    def fillings(self) -> tuple[Filling, ...]:
        """Return how full volumes and nodes' disks are, as the kubelets say; without a trend."""
