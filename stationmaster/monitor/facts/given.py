"""Facts of the infrastructure as given: for tests of checks, and for simulated days.

    facts = Facts(now=now, parts={"airflow": lambda: GivenAirflow(given_parts=(dead,))})

What is not given is empty and well. Where `away` is given, every question raises
FactsUnavailableError.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from stationmaster.monitor.facts.missing import FactsNotHereError, FactsUnavailableError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from stationmaster.monitor.facts.airflow import (
        AirflowPart,
        AirflowPipeline,
        AirflowPool,
        AirflowRun,
        AirflowTask,
        ImportProblem,
    )
    from stationmaster.monitor.facts.cluster import ClusterClaim, ClusterNode, ClusterPod
    from stationmaster.monitor.facts.fillings import Filling
    from stationmaster.monitor.facts.parts import SpoolState, WatcherState
    from stationmaster.monitor.facts.prometheus import NodeMemory, Sample, Series
    from stationmaster.monitor.facts.stores import DatabaseState, Hop, ObjectStoreState
    from stationmaster.monitor.facts.trouble import Trouble

__all__ = ["GivenAirflow", "GivenCluster", "GivenParts", "GivenPrometheus", "GivenStores"]


T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class GivenAirflow:
    """Answer as `AirflowFacts` with what is given.

    Args:
        away: Why it does not answer.
    """

    url: str = "http://airflow"
    away: Trouble | None = None
    given_parts: tuple[AirflowPart, ...] = ()
    given_pipelines: tuple[AirflowPipeline, ...] = ()
    given_runs: tuple[AirflowRun, ...] = ()
    given_tasks: tuple[AirflowTask, ...] = ()
    given_pools: tuple[AirflowPool, ...] = ()
    given_problems: tuple[ImportProblem, ...] = ()
    given_start: dt.datetime | None = None

    def trouble(self) -> Trouble | None:
        """Return why it does not answer."""
        return self.away

    def parts(self) -> tuple[AirflowPart, ...]:
        """Return the given parts."""
        return _answer(self.away, self.given_parts)

    def pipelines(self) -> tuple[AirflowPipeline, ...]:
        """Return the given pipelines."""
        return _answer(self.away, self.given_pipelines)

    def runs(self) -> tuple[AirflowRun, ...]:
        """Return the given runs that go on."""
        return tuple(run for run in self._runs() if run.ended_at is None)

    def ended_runs(self, since: dt.datetime) -> tuple[AirflowRun, ...]:
        """Return the given runs that ended since."""
        return tuple(run for run in self._runs() if run.ended_at and run.ended_at >= since)

    def tasks(self) -> tuple[AirflowTask, ...]:
        """Return the given tasks."""
        return _answer(self.away, self.given_tasks)

    def latest_start(self) -> dt.datetime | None:
        """Return the given moment."""
        return _answer(self.away, self.given_start)

    def pools(self) -> tuple[AirflowPool, ...]:
        """Return the given pools."""
        return _answer(self.away, self.given_pools)

    def import_problems(self) -> tuple[ImportProblem, ...]:
        """Return the given problems."""
        return _answer(self.away, self.given_problems)

    def _runs(self) -> tuple[AirflowRun, ...]:
        return _answer(self.away, self.given_runs)


@dataclass(frozen=True, kw_only=True)
class GivenCluster:
    """Answer as `ClusterFacts` with what is given."""

    away: Trouble | None = None
    given_nodes: tuple[ClusterNode, ...] = ()
    given_pods: tuple[ClusterPod, ...] = ()
    given_claims: tuple[ClusterClaim, ...] = ()
    given_fillings: tuple[Filling, ...] = ()

    def trouble(self) -> Trouble | None:
        """Return why it does not answer."""
        return self.away

    def nodes(self) -> tuple[ClusterNode, ...]:
        """Return the given nodes."""
        return _answer(self.away, self.given_nodes)

    def pods(self) -> tuple[ClusterPod, ...]:
        """Return the given pods."""
        return _answer(self.away, self.given_pods)

    def claims(self) -> tuple[ClusterClaim, ...]:
        """Return the given claims."""
        return _answer(self.away, self.given_claims)

    def fillings(self) -> tuple[Filling, ...]:
        """Return the given fillings."""
        return _answer(self.away, self.given_fillings)


@dataclass(frozen=True, kw_only=True)
class GivenStores:
    """Answer as `StoresFacts` with what is given."""

    given_databases: tuple[DatabaseState, ...] = ()
    given_object_stores: tuple[ObjectStoreState, ...] = ()
    given_hops: tuple[Hop, ...] = ()
    given_disks: tuple[Filling, ...] = ()

    def databases(self) -> tuple[DatabaseState, ...]:
        """Return the given databases."""
        return self.given_databases

    def object_stores(self) -> tuple[ObjectStoreState, ...]:
        """Return the given object stores."""
        return self.given_object_stores

    def hops(self) -> tuple[Hop, ...]:
        """Return the given hops."""
        return self.given_hops

    def disks(self) -> tuple[Filling, ...]:
        """Return the given disks."""
        return self.given_disks


@dataclass(frozen=True, kw_only=True)
class GivenPrometheus:
    """Answer as `PrometheusFacts` with what is given.

    Args:
        samples: By query.
        series: By query.
    """

    away: Trouble | None = None
    samples: Mapping[str, tuple[Sample, ...]] = field(default_factory=dict)
    series: Mapping[str, tuple[Series, ...]] = field(default_factory=dict)
    given_fillings: tuple[Filling, ...] = ()
    given_memory: tuple[NodeMemory, ...] = ()

    def trouble(self) -> Trouble | None:
        """Return why it does not answer."""
        return self.away

    def query(self, promql: str) -> tuple[Sample, ...]:
        """Return what is given for a query."""
        return _answer(self.away, self.samples.get(promql, ()))

    def query_range(
        self, promql: str, *, over: dt.timedelta, step: dt.timedelta
    ) -> tuple[Series, ...]:
        """Return what is given for a query, whatever the range."""
        del over, step
        return _answer(self.away, self.series.get(promql, ()))

    def fillings(self) -> tuple[Filling, ...]:
        """Return the given fillings."""
        return _answer(self.away, self.given_fillings)

    def memory(self) -> tuple[NodeMemory, ...]:
        """Return the given memories."""
        return _answer(self.away, self.given_memory)


@dataclass(frozen=True, kw_only=True)
class GivenParts:
    """Answer as `PartsFacts` with what is given."""

    given_spools: tuple[SpoolState, ...] = ()
    given_watcher: WatcherState | None = None

    def spools(self) -> tuple[SpoolState, ...]:
        """Return the given files."""
        return self.given_spools

    def watcher(self) -> WatcherState:
        """Return the given watcher.

        Raises:
            FactsNotHereError: None is given.
        """
        if self.given_watcher is None:
            message = "no watcher is given"
            raise FactsNotHereError(message)
        return self.given_watcher


def _answer(away: Trouble | None, value: T) -> T:
    if away is not None:
        raise FactsUnavailableError(away.sentence)
    return value
