"""Spans of each attempt, in the trace of its task: queue, schedule, pull, start, run.

Airflow's `[traces] otel_on` and OpenTelemetry's own variables decide whether, where to and how
they go; the exporter, its thread and its queue are Airflow's own (`configure_otel`). Where tracing
is off, nothing here runs.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import OrderedDict
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from opentelemetry import trace
from opentelemetry.sdk.trace import Tracer, TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from stationmaster.airflow.life.pulls import pull_of
from stationmaster.airflow.life.tracecontext import is_sampled, span_id
from stationmaster.ledger.phases import PhaseName, PhaseSpan, phases_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import AsyncIterator, Awaitable, Callable

    from opentelemetry.util.types import AttributeValue

    from stationmaster.airflow.life.cluster import Cluster
    from stationmaster.airflow.life.pulls import Pull
    from stationmaster.ledger.records import AttemptKey, AttemptRecord

    Record = Callable[[AttemptRecord], Awaitable[None]]

__all__ = ["emit", "flush", "traced"]

SCOPE: Final = "stationmaster"
SUCCEEDED: Final = "succeeded"

MOST_REMEMBERED: Final = 10_000
"""Attempts whose spans this process has made: what is recorded again makes none again."""

MOST_WAITING: Final = 500
"""Attempts whose events are being read; above it spans go without the pull."""

READS_AT_ONCE: Final = 4
EVENT_SECONDS: Final = 5.0
LAST_SECONDS: Final = 2.0
"""How long those that wait for their events may take when the process is to end."""

EXPORTER: Final = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
"""Logs two lines for each batch that a collector does not take; the one of gRPC holds back."""

QUIET_SECONDS: Final = 60.0

log = logging.getLogger(__name__)


@asynccontextmanager
async def traced(
    record: Record, cluster: Cluster, provider: trace.TracerProvider | None = None
) -> AsyncIterator[Record]:
    """Yield a recorder that makes an attempt's spans once `record` has stored it.

    Args:
        record: Stores an attempt; what it raises is raised.
        cluster: Where the pod's events are read.
        provider: Of spans; that of the process, which Airflow sets, by default.
    """
    provider = provider or trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        yield record
        return
    spans = _Spans(provider, cluster)
    exporter = logging.getLogger(EXPORTER)
    if not exporter.filters:
        exporter.addFilter(_Seldom())

    async def record_and_trace(attempt: AttemptRecord) -> None:
        await record(attempt)
        spans.follow(attempt)

    try:
        yield record_and_trace
    finally:
        await spans.close()


async def flush(seconds: float) -> None:
    """Let the exporter send what it holds, for that long at most."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        # A thread of its own: the SDK's flush has no time limit that it keeps.
        thread = threading.Thread(target=provider.force_flush, daemon=True)
        thread.start()
        await asyncio.to_thread(thread.join, seconds)


def emit(record: AttemptRecord, pull: Pull | None, provider: TracerProvider) -> None:
    """Hand an attempt's spans to the exporter; the same attempt has the same ids.

    Args:
        record: An attempt that has ended, with its task's traceparent.
        pull: Of its image, where that is known.
        provider: Of spans.
    """
    tracer = provider.get_tracer(SCOPE)
    if not isinstance(tracer, Tracer):
        return  # the provider is switched off (OTEL_SDK_DISABLED)
    parent = TraceContextTextMapPropagator().extract({"traceparent": record.traceparent or ""})
    tracer.id_generator = ids = _GivenIds()
    spans = _spans_of(record, pull)
    for each in spans:
        ids.next = span_id(*record.key, each.name)
        span = tracer.start_span(
            f"{SCOPE}.{each.name.value}",
            context=parent,
            attributes=_attributes(record, pull, each.name),
            start_time=_nanoseconds(each.start),
        )
        if each is spans[-1]:
            span.set_status(_status(record))
        span.end(_nanoseconds(each.end))


class _Seldom(logging.Filter):
    """Let one line pass in a minute: a collector that is away says the same of each batch."""

    _quiet_until = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a line passes."""
        if record.created < self._quiet_until:
            return False
        self._quiet_until = record.created + QUIET_SECONDS
        return True


class _GivenIds(RandomIdGenerator):
    """Give the next span the id that follows from its attempt."""

    next: int = 0

    def generate_span_id(self) -> int:
        """Return it."""
        return self.next


class _Spans:
    """Make spans beside the steps' lives: no step waits for one, and no error of theirs counts."""

    def __init__(self, provider: TracerProvider, cluster: Cluster) -> None:
        self._provider = provider
        self._cluster = cluster
        self._made: OrderedDict[AttemptKey, None] = OrderedDict()
        self._reads = asyncio.Semaphore(READS_AT_ONCE)
        self._waiting: dict[asyncio.Task[Pull | None], AttemptRecord] = {}
        self._warned = False

    def follow(self, record: AttemptRecord) -> None:
        """Make the spans of an attempt that has ended, as soon as its events are read."""
        if record.verdict is None or not is_sampled(record.traceparent):
            return
        if record.key in self._made:
            return
        self._made[record.key] = None
        if len(self._made) > MOST_REMEMBERED:
            self._made.popitem(last=False)
        if not record.pod_uid or len(self._waiting) >= MOST_WAITING:
            self._emit(record, None)
            return
        task = asyncio.create_task(self._pull_of(record))
        self._waiting[task] = record
        task.add_done_callback(self._is_read)

    async def close(self) -> None:
        """Make the spans that are still due, without a pull where its event does not come."""
        if not self._waiting:
            return
        _, late = await asyncio.wait(self._waiting, timeout=LAST_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _pull_of(self, record: AttemptRecord) -> Pull | None:
        async with self._reads, asyncio.timeout(EVENT_SECONDS):
            return pull_of(await self._cluster.events_of(record.namespace, record.pod_uid))

    def _is_read(self, task: asyncio.Task[Pull | None]) -> None:
        record, pull = self._waiting.pop(task), None
        if not task.cancelled():
            error = task.exception()
            pull = task.result() if error is None else None
            if error is not None:
                self._warn(f"The time of a pull is not known: {type(error).__name__}: {error}")
        self._emit(record, pull)

    def _emit(self, record: AttemptRecord, pull: Pull | None) -> None:
        try:
            emit(record, pull, self._provider)
        except Exception as error:  # noqa: BLE001 (an exporter's own errors: a step has no part in them)
            self._warn(f"Spans of {record.key} are lost: {type(error).__name__}: {error}")

    def _warn(self, sentence: str) -> None:
        """Say it once in a process's life: what follows is the same."""
        if not self._warned:
            self._warned = True
            log.warning("%s It is not said again.", sentence)


def _spans_of(record: AttemptRecord, pull: Pull | None) -> list[PhaseSpan]:
    """Return what becomes a span; an attempt that never had a pod was queued until its end."""
    if pull is not None and record.scheduled_at is not None:
        record = record.model_copy(update={"pulled_at": pull.pulled_at})
    found = [each for each in phases_of(record) if each.name is not PhaseName.RECORD]
    if found or record.queued_at is None:
        return found
    end = max(record.recorded_at, record.queued_at)
    return [PhaseSpan(name=PhaseName.QUEUE, start=record.queued_at, end=end)]


def _attributes(
    record: AttemptRecord, pull: Pull | None, phase: PhaseName
) -> dict[str, AttributeValue]:
    """Return what a span says: the pod's place by OpenTelemetry's own names, the rest by ours."""
    told: dict[str, object] = {
        "pipeline": record.pipeline,
        "run": record.run_id,
        "step": record.step,
        "map_index": record.map_index if record.map_index >= 0 else None,
        "job": record.job,
        "business_date": record.business_date.isoformat(),
        "try": record.try_number,
        "try_id": record.try_id,
        "shard": record.shard,
        "shards": record.shards,
        "attempt": record.attempt,
        "verdict": record.verdict,
    }
    if phase is PhaseName.PULL and pull is not None:
        told |= {"image_was_present": pull.was_present, "pull_seconds": pull.seconds}
    if phase is PhaseName.RUN:
        names = ("exit_code", "cpu_seconds", "peak_memory_bytes", "rows_read", "rows_written")
        told |= {name: getattr(record, name) for name in names}
    places: dict[str, object] = {
        "k8s.node.name": record.node,
        "k8s.pod.name": record.pod_name,
        "k8s.pod.uid": record.pod_uid,
        "k8s.namespace.name": record.namespace,
    }
    told = {f"{SCOPE}.{name}": value for name, value in told.items()} | places
    return {
        name: value
        for name, value in told.items()
        if isinstance(value, str | bool | int | float) and value != ""
    }


def _status(record: AttemptRecord) -> Status:
    if record.verdict == SUCCEEDED:
        return Status(StatusCode.OK)
    return Status(StatusCode.ERROR, record.sentence or str(record.verdict))


def _nanoseconds(moment: dt.datetime) -> int:
    return round(moment.timestamp() * 1_000_000) * 1_000
