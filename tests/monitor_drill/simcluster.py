"""What Kubernetes would say of the simulated world: nodes that come and go, pods of steps."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.facts.cluster import (
    ClusterNode,
    ClusterPod,
    NodeCondition,
    PodContainer,
)
from tests.monitor_drill.records import NODES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stationmaster.monitor.facts.cluster import ClusterClaim
    from stationmaster.monitor.facts.fillings import Filling
    from stationmaster.monitor.facts.trouble import Trouble
    from tests.monitor_drill.world import World

__all__ = ["Replacement", "SimulatedCluster"]

PLATFORM: Final = ("scheduler", "dag-processor", "triggerer", "api-server", "watcher")
NOT_READY: Final = dt.timedelta(seconds=35)
LEAVING: Final = dt.timedelta(seconds=150)
AGE: Final = dt.timedelta(days=12)


@dataclass(frozen=True)
class Replacement:
    """Hold one node that its autoscaler takes away and replaces.

    Args:
        node: The one that goes.
        by: The one that comes.
        at: When it is tainted.
    """

    node: str
    by: str
    at: dt.datetime


@dataclass(frozen=True, kw_only=True)
class SimulatedCluster:
    """Answer as `ClusterFacts`."""

    world: World
    now: dt.datetime
    replacements: tuple[Replacement, ...] = ()

    def trouble(self) -> Trouble | None:
        """Return nothing: it answers."""
        return None

    def nodes(self) -> tuple[ClusterNode, ...]:
        """Return all nodes; one that is replaced is leaving for a while, its successor comes up."""
        found = {name: _node(name, self.now - AGE) for name in NODES}
        for each in self.replacements:
            if self.now < each.at:
                continue
            found[each.by] = _node(each.by, each.at, ready=self.now - each.at > NOT_READY)
            if self.now - each.at < LEAVING:
                found[each.node] = _node(each.node, each.at - AGE, leaving=True)
            else:
                found.pop(each.node, None)
        return tuple(found[name] for name in sorted(found))

    def pods(self) -> tuple[ClusterPod, ...]:
        """Return the platform's pods, and those of attempts that go on."""
        platform = tuple(self._platform(name) for name in PLATFORM)
        return platform + tuple(self._steps())

    def claims(self) -> tuple[ClusterClaim, ...]:
        """Return none."""
        return ()

    def fillings(self) -> tuple[Filling, ...]:
        """Return none."""
        return ()

    def _platform(self, name: str) -> ClusterPod:
        """Return a part's pod; a scheduler that a deploy replaces is new and not ready at first."""
        away = [each for each in self.world.scheduler_away if each.since <= self.now]
        again = max((each.since for each in away), default=self.now - AGE)
        begun = again if name == "scheduler" else self.now - AGE
        up = not (name == "scheduler" and any(each.holds(self.now) for each in away))
        return ClusterPod(
            namespace="stationmaster",
            name=f"stationmaster-{name}-7c9d5-x2x4z",
            phase="Running" if up else "Pending",
            created_at=begun,
            node=NODES[0],
            owner_kind="ReplicaSet",
            owner=f"stationmaster-{name}-7c9d5",
            labels={"app.kubernetes.io/component": name},
            containers=(PodContainer(name=name, ready=up, started_at=begun if up else None),),
        )

    def _steps(self) -> Iterator[ClusterPod]:
        for run in self.world.going(self.now):
            for each in run.attempts:
                if not each.queued_at <= self.now < each.finished_at:
                    continue
                started = each.started_at <= self.now
                yield ClusterPod(
                    namespace="stationmaster-steps",
                    name=f"{each.plan.job}-{each.try_id[:12]}-0-{each.attempt}",
                    phase="Running" if started else "Pending",
                    created_at=each.queued_at,
                    node=NODES[0],
                    labels={
                        "stationmaster.io/try-id": each.try_id,
                        "app.kubernetes.io/name": each.plan.job,
                        "stationmaster.io/pipeline": each.plan.pipeline,
                        "stationmaster.io/step": each.plan.step,
                    },
                    containers=(PodContainer(name="step", ready=started),),
                )


def _node(
    name: str, created: dt.datetime, *, ready: bool = True, leaving: bool = False
) -> ClusterNode:
    status = "True" if ready else "False"
    return ClusterNode(
        name=name,
        conditions=(NodeCondition(kind="Ready", status=status, since=created),),
        cordoned=leaving,
        leaving=leaving,
        created_at=created,
    )
