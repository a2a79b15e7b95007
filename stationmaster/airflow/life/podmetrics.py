"""Measure steps that do not measure themselves, from the node's side: by `metrics.k8s.io`.

metrics-server asks each kubelet every 15 s or so, and its answer is a mean (CPU) and a moment
(memory). So a peak between two looks is not seen, CPU seconds are an estimate, and a step that is
over before the first look is not measured at all. What a kubelet knows better (`/stats/summary`)
is behind `nodes/proxy`, a right to run commands in any pod of the cluster: we do not ask for it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from stationmaster.airflow.life.apierrors import ClusterError, ClusterUnreachableError
from stationmaster.airflow.life.names import LOG_LABEL, SELECTOR
from stationmaster.airflow.life.podfacts import bytes_of, ended, step_name

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from stationmaster.airflow.life.cluster import Cluster
    from stationmaster.ledger.records import AttemptRecord

    Record = Callable[[AttemptRecord], Awaitable[None]]

__all__ = ["MEASURED_BY", "PodMetrics", "cores_of"]

MEASURED_BY: Final = "metrics.k8s.io"

SAMPLE_SECONDS: Final = 15.0
"""metrics-server's own resolution by default (--metric-resolution)."""

REFUSED_SECONDS: Final = 600.0
"""How long a cluster without metrics-server, or without the right, is not asked again."""

MOST_REMEMBERED: Final = 10_000
CPU_UNITS: Final = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0}

log = logging.getLogger(__name__)


@dataclass
class _Seen:
    container: str
    since: float
    peak_bytes: int = 0
    cpu_seconds: float = 0.0
    looks: int = 0


class PodMetrics:
    """Look at foreign steps' pods while there are any, and complete their records.

    Args:
        cluster: Where.
        sample_seconds: Between two looks.
    """

    def __init__(self, cluster: Cluster, *, sample_seconds: float = SAMPLE_SECONDS) -> None:
        self._cluster = cluster
        self._sample_seconds = sample_seconds
        self._seen: OrderedDict[str, _Seen] = OrderedDict()
        self._refused_until = 0.0

    def notice(self, pod: Mapping[str, Any]) -> None:
        """Begin to measure a pod whose step has no runner of ours; returns at once."""
        metadata = pod["metadata"]
        if (metadata.get("labels") or {}).get(LOG_LABEL) != "pod" or ended(pod) is not None:
            return
        name = str(metadata["name"])
        if name in self._seen or pod["status"].get("phase") != "Running":
            return
        self._seen[name] = _Seen(step_name(pod), time.monotonic())
        if len(self._seen) > MOST_REMEMBERED:
            self._seen.popitem(last=False)

    def recording(self, record: Record) -> Record:
        """Return a recorder that adds what was measured where the step itself said nothing."""

        async def with_metrics(attempt: AttemptRecord) -> None:
            await record(self._completed(attempt))

        return with_metrics

    async def sample_for_ever(self, namespace: str) -> None:
        """Look at the pods of a namespace again and again, while there are any to look at."""
        while True:
            await asyncio.sleep(self._sample_seconds)
            if self._seen and time.monotonic() >= self._refused_until:
                await self.sample(namespace)

    async def sample(self, namespace: str) -> None:
        """Look once; a cluster that refuses is left alone for a while."""
        try:
            found = await self._cluster.pod_metrics(namespace, f"{SELECTOR},{LOG_LABEL}=pod")
        except ClusterUnreachableError as error:
            # metrics-server is one pod: while its node is replaced nobody answers for it.
            log.info("Steps without our runner are not measured right now: %s", error)
            return
        except ClusterError as error:
            self._refused_until = time.monotonic() + REFUSED_SECONDS
            log.info("Steps without our runner are not measured for now: %s", error)
            return
        now = time.monotonic()
        for each in found:
            if (seen := self._seen.get(each["metadata"]["name"])) is not None:
                _add(seen, each.get("containers") or (), now)

    def _completed(self, record: AttemptRecord) -> AttemptRecord:
        if record.verdict is None:
            return record
        seen = self._seen.pop(record.pod_name, None)
        if seen is None or not seen.looks or record.measured_by:
            return record
        update = {
            "measured_by": MEASURED_BY,
            "peak_working_set_bytes": seen.peak_bytes,
            "cpu_seconds": round(seen.cpu_seconds, 1),
        }
        return record.model_copy(update=update)


def cores_of(quantity: object) -> float | None:
    """Return a quantity of CPU in cores: 12345678n is 0.0123; None for none."""
    text = str(quantity or "")
    number, unit = (text[:-1], text[-1]) if text[-1:] in {"n", "u", "m"} else (text, "")
    try:
        return float(number) * CPU_UNITS[unit]
    except ValueError:
        return None


def _add(seen: _Seen, containers: Iterable[Mapping[str, Any]], now: float) -> None:
    usage = next((c.get("usage") or {} for c in containers if c.get("name") == seen.container), {})
    memory, cores = bytes_of(usage.get("memory")), cores_of(usage.get("cpu"))
    if memory is None or cores is None:
        return
    seen.peak_bytes = max(seen.peak_bytes, memory)
    # The mean of one window stands for the time until the next one is seen.
    seen.cpu_seconds += cores * (now - seen.since)
    seen.since = now
    seen.looks += 1
