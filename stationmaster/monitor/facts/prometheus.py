"""What Prometheus knows of the infrastructure, where one runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from stationmaster.monitor.facts.fillings import Filling
    from stationmaster.monitor.facts.trouble import Trouble

__all__ = ["NodeMemory", "PrometheusFacts", "Sample", "Series"]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Hold one value of an instant query.

    Args:
        labels: Of its series.
        value: May be NaN or infinite.
        at: When it was evaluated.
    """

    labels: Mapping[str, str]
    value: float
    at: dt.datetime


@dataclass(frozen=True, kw_only=True)
class Series:
    """Hold one series of a range query, oldest value first."""

    labels: Mapping[str, str]
    values: tuple[tuple[dt.datetime, float], ...]


@dataclass(frozen=True, kw_only=True)
class NodeMemory:
    """Hold what a node has left of its memory.

    Args:
        node: Its name.
        total_bytes: What it has.
        available_bytes: What can be given without swapping.
        below_since: Since when it has had less than a twentieth, where it has.
    """

    node: str
    total_bytes: float
    available_bytes: float
    below_since: dt.datetime | None = None


class PrometheusFacts(Protocol):
    """Ask Prometheus; each answer is of one look, whoever asks for it.

    Every method raises FactsNotHereError where none is named (STATIONMASTER_PROMETHEUS_URL) or it
    has no such series, and FactsUnavailableError where it does not answer.
    """

    def trouble(self) -> Trouble | None:
        """Return why Prometheus cannot be asked; None where it answers."""

    def query(self, promql: str) -> tuple[Sample, ...]:
        """Return the vector that an instant query yields at the facts' moment."""

    def query_range(
        self, promql: str, *, over: dt.timedelta, step: dt.timedelta
    ) -> tuple[Series, ...]:
        """Return the matrix that a range query yields, up to the facts' moment."""

    def fillings(self) -> tuple[Filling, ...]:
        """Return how full volumes and nodes' disks are, each with its last cycle."""

    def memory(self) -> tuple[NodeMemory, ...]:
        """Return what nodes have left of their memory."""
