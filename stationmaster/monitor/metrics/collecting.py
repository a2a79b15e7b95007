"""Read the ledger for a scrape, keep the answer for the next ones, and hand it to Prometheus.

A scrape gets what was read last, and has it read anew for the next one where that is older than
KEPT_SECONDS: it waits for the database only where nobody has asked for MOST_SECONDS. So several
Prometheuses, or one that is impatient, cost the database no more than one, and what is told is as
old as the scrape before. A counter never goes down while a process lives.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from stationmaster.ledger.engine import is_missing, transaction
from stationmaster.ledger.schema import HEAD, require
from stationmaster.monitor.metrics.attempts import (
    Totals,
    open_attempts,
    recent_steps,
    unseen_ends,
)
from stationmaster.monitor.metrics.data import NewestData
from stationmaster.monitor.metrics.families import FAMILIES, Kind, Sample, by_name
from stationmaster.monitor.metrics.incidents import checks, incidents, notifications, watcher
from stationmaster.monitor.metrics.settings import MetricsSettings
from stationmaster.step.errors import StationmasterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import sqlalchemy as sa

__all__ = ["KEPT_SECONDS", "MOST_SERIES", "LedgerCollector", "registry_of"]

KEPT_SECONDS: Final = 10.0
MOST_SECONDS: Final = 90.0
"""An answer that is older is told to nobody: Prometheus asks each half minute, or each minute."""

MOST_SERIES: Final = 5000
"""Series of one metric; what is beyond, by the order of its labels, is left out and counted."""

READING_SECONDS: Final = 20.0

log = logging.getLogger(__name__)


def registry_of(engine: sa.Engine) -> CollectorRegistry:
    """Return a registry with the ledger's metrics and those of this process."""
    registry = CollectorRegistry()
    registry.register(LedgerCollector(engine))
    ProcessCollector(registry=registry)
    return registry


class LedgerCollector(Collector):
    """Read the metrics of one ledger; safe to share between threads.

    Args:
        engine: The ledger's database. One that is away makes `stationmaster_ledger_up` 0.
        clock: Tells the time, with its zone.
        settings: What is told; from the environment by default.
    """

    def __init__(
        self,
        engine: sa.Engine,
        clock: Callable[[], dt.datetime] | None = None,
        settings: MetricsSettings | None = None,
    ) -> None:
        self._engine = engine
        self._clock = clock or (lambda: dt.datetime.now(dt.UTC))
        self._lock = threading.Lock()
        settings = settings or MetricsSettings()
        self._totals, self._data = Totals(), NewestData(figures=settings.figures)
        self._highest: dict[tuple[str, tuple[str, ...], str], float] = {}
        self._kept: tuple[float, list[Sample]] | None = None

    def describe(self) -> Iterable[Metric]:
        """Return nothing: registering must not need the database."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics; of a ledger that does not answer, that it does not."""
        kept = self._kept
        age = MOST_SECONDS if kept is None else time.monotonic() - kept[0]
        if kept is None or age >= MOST_SECONDS:
            kept, age = self._read_anew(), 0.0
        yield from _metrics(kept[1])
        # Only now: who reads and who writes would share one interpreter.
        if age > KEPT_SECONDS and not self._lock.locked():
            threading.Thread(target=self._read_anew, name="metrics-reading", daemon=True).start()

    def _read_anew(self) -> tuple[float, list[Sample]]:
        """Read, unless somebody else just did."""
        with self._lock:
            if self._kept is None or time.monotonic() - self._kept[0] > KEPT_SECONDS:
                self._kept = (time.monotonic(), self._bounded(self._read()))
            return self._kept

    def _read(self) -> list[Sample]:
        begun = time.monotonic()
        try:
            samples, up = self._ask(), 1.0
        except (SQLAlchemyError, StationmasterError) as error:
            log.warning("metrics: the ledger does not answer: %s", " ".join(str(error).split()))
            samples, up = [], 0.0
        took = time.monotonic() - begun
        info = (version("stationmaster"), HEAD)
        return [
            *(self._risen(each) for each in samples),
            Sample("stationmaster_ledger_up", (_address(self._engine.url),), up),
            Sample("stationmaster_metrics_read_seconds", (), took),
            Sample("stationmaster_build_info", info, 1),
        ]

    def _ask(self) -> list[Sample]:
        """Ask all questions of one state of the database, so that sums and rest fit together."""
        if is_missing(self._engine):
            return []
        require(self._engine)
        now = self._clock()
        with transaction(self._engine, seconds=READING_SECONDS) as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(
                    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
                )
            found = list(self._totals.read(connection, now.astimezone(dt.UTC).date()))
            found += self._data.read(connection, now)
            for question in QUESTIONS:
                found += question(connection, now)
        return found

    def _risen(self, sample: Sample) -> Sample:
        """Return a counter at no less than it was told before: a lower one means a restart."""
        if _KINDS[sample.family].kind is Kind.GAUGE:
            return sample
        key = (sample.family, sample.labels, sample.part)
        self._highest[key] = max(sample.value, self._highest.get(key, sample.value))
        return sample._replace(value=self._highest[key])

    @staticmethod
    def _bounded(samples: list[Sample]) -> list[Sample]:
        """Return at most MOST_SERIES of each metric, and how many were left out."""
        by_family: dict[str, list[Sample]] = {}
        for sample in samples:
            by_family.setdefault(sample.family, []).append(sample)
        kept: list[Sample] = []
        for family, mine in by_family.items():
            kept += sorted(mine)[:MOST_SERIES] if len(mine) > MOST_SERIES else mine
            left = max(0, len(mine) - MOST_SERIES)
            if left:
                kept.append(Sample("stationmaster_metrics_left_out", (family,), left))
        return kept


QUESTIONS: Final[tuple[Callable[[sa.Connection, dt.datetime], Iterator[Sample]], ...]] = (
    recent_steps,
    open_attempts,
    unseen_ends,
    incidents,
    checks,
    watcher,
    notifications,
)

_KINDS: Final = by_name()


def _address(url: sa.URL) -> str:
    """Return where a database is, as findings name it: host and port, or a file's name."""
    if url.get_backend_name() == "sqlite":
        return Path(str(url.database)).name
    host = url.host or str(url.query.get("host", "localhost"))
    return f"{host}:{url.port or url.query.get('port', 5432)}"


def _metrics(samples: Iterable[Sample]) -> Iterator[Metric]:
    """Yield samples as prometheus_client takes them, each metric with its help."""
    by_family: dict[str, list[Sample]] = {}
    for sample in samples:
        by_family.setdefault(sample.family, []).append(sample)
    for family in FAMILIES:
        mine = by_family.get(family.name, [])
        if not mine:
            continue
        if family.kind is Kind.HISTOGRAM:
            yield _histogram(family.name, family.help, mine)
            continue
        kind = CounterMetricFamily if family.kind is Kind.COUNTER else GaugeMetricFamily
        metric = kind(family.name, family.help, labels=family.labels)
        for sample in mine:
            metric.add_metric([str(label) for label in sample.labels], sample.value)
        yield metric


def _histogram(name: str, text: str, samples: Iterable[Sample]) -> Metric:
    parts = {sample.part: sample.value for sample in samples}
    total = parts.pop("sum")
    return HistogramMetricFamily(name, text, buckets=list(parts.items()), sum_value=total)
