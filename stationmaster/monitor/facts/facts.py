"""All facts of one look, at one moment."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stationmaster.monitor.facts.missing import FactsNotHereError
from stationmaster.monitor.facts.once import Once

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

    from stationmaster.monitor.facts.airflow import AirflowFacts
    from stationmaster.monitor.facts.alertmanager import AlertmanagerFacts
    from stationmaster.monitor.facts.cluster import ClusterFacts
    from stationmaster.monitor.facts.deliveries import DeliveryFacts
    from stationmaster.monitor.facts.figures import FigureFacts
    from stationmaster.monitor.facts.ledger import LedgerFacts
    from stationmaster.monitor.facts.parts import PartsFacts
    from stationmaster.monitor.facts.prometheus import PrometheusFacts
    from stationmaster.monitor.facts.published import PublishedFacts
    from stationmaster.monitor.facts.stores import StoresFacts
    from stationmaster.monitor.lineage import Lineage
    from stationmaster.monitor.monitoring import Monitoring

__all__ = ["Facts"]


class _Gathered:
    """Keep what each part answered; checks may ask from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._parts: dict[str, Once[Any]] = {}

    def of(self, name: str, gather: Callable[[], Any]) -> Any:  # noqa: ANN401 (as below)
        with self._lock:
            part = self._parts.setdefault(name, Once(gather))
        return part()


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Hold what checks may look at; a part is gathered when the first check asks for it.

    What a part answered, or why it did not, stands for the whole look: twenty checks over a
    database that is away wait for it once.

    Args:
        now: The moment; checks ask no other clock.
        parts: Gathers each part, by its name; one that is not there does not exist here.
    """

    now: dt.datetime
    parts: Mapping[str, Callable[[], Any]] = field(default_factory=dict)
    _gathered: _Gathered = field(default_factory=_Gathered, init=False, repr=False, compare=False)

    @property
    def ledger(self) -> LedgerFacts:
        """Return what the ledger knows of attempts, runs and costs."""
        return self.part("ledger")  # type: ignore[no-any-return]

    @property
    def published(self) -> PublishedFacts:
        """Return which day of which dataset and report is published, and whether it is there."""
        return self.part("published")  # type: ignore[no-any-return]

    @property
    def deliveries(self) -> DeliveryFacts:
        """Return what sources still owe."""
        return self.part("deliveries")  # type: ignore[no-any-return]

    @property
    def figures(self) -> FigureFacts:
        """Return the numbers that people rely on, by business date."""
        return self.part("figures")  # type: ignore[no-any-return]

    @property
    def lineage(self) -> Lineage:
        """Return what comes of what."""
        return self.part("lineage")  # type: ignore[no-any-return]

    @property
    def monitoring(self) -> Monitoring:
        """Return what is expected of pipelines, datasets, figures and reports."""
        return self.part("monitoring")  # type: ignore[no-any-return]

    @property
    def airflow(self) -> AirflowFacts:
        """Return what Airflow says of its parts, runs, tasks and pools."""
        return self.part("airflow")  # type: ignore[no-any-return]

    @property
    def cluster(self) -> ClusterFacts:
        """Return what Kubernetes says of nodes, pods and volume claims."""
        return self.part("cluster")  # type: ignore[no-any-return]

    @property
    def stores(self) -> StoresFacts:
        """Return what databases, object stores, the ways there and local disks are like."""
        return self.part("stores")  # type: ignore[no-any-return]

    @property
    def prometheus(self) -> PrometheusFacts:
        """Return what Prometheus knows."""
        return self.part("prometheus")  # type: ignore[no-any-return]

    @property
    def alertmanager(self) -> AlertmanagerFacts:
        """Return what Prometheus found by its own rules."""
        return self.part("alertmanager")  # type: ignore[no-any-return]

    @property
    def platform(self) -> PartsFacts:
        """Return what is known of our own parts: the recorder's file, the watcher."""
        return self.part("platform")  # type: ignore[no-any-return]

    def part(self, name: str) -> Any:  # noqa: ANN401 (each part has its own type)
        """Return a part; gather it where nobody has asked for it yet.

        Raises:
            FactsNotHereError: This installation has none.
            FactsUnavailableError: Whoever has it does not answer.
        """
        if name not in self.parts:
            message = f"no facts of {name} here"
            raise FactsNotHereError(message)
        return self._gathered.of(name, self.parts[name])
