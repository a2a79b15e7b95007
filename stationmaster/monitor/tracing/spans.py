"""Make spans, and send them by OTLP over HTTP where OTEL_EXPORTER_OTLP_ENDPOINT names a collector.

Without it nothing is imported and nothing is made. Nobody waits for a collector: spans leave from a
bounded queue in the exporter's own thread.
"""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final, Protocol

from stationmaster.monitor.tracing.settings import TracingSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

__all__ = ["TRACEPARENT", "Spanned", "current_traceparent", "is_tracing", "span", "tracing"]

SCOPE: Final = "stationmaster.monitor"
LAST_SECONDS: Final = 3.0
"""How long the last spans may take when the process ends."""

EXPORTER: Final = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
QUIET_SECONDS: Final = 60.0
TRACEPARENT: Final = "traceparent"


class Spanned(Protocol):
    """A span, or what stands for one where none is made."""

    def set(self, **attributes: object) -> None:
        """Say something of it, in attributes named `stationmaster.<name>`."""

    def note(self, name: str, value: str | float) -> None:
        """Say something by a name of OpenTelemetry's semantic conventions."""

    def fail(self, why: str) -> None:
        """Say that it went wrong."""


class _NoSpan:
    """Take everything and do nothing."""

    def set(self, **attributes: object) -> None:
        """Do nothing."""

    def note(self, name: str, value: str | float) -> None:
        """Do nothing."""

    def fail(self, why: str) -> None:
        """Do nothing."""


class _Provider:
    """Hold the process's provider of spans, once one is set."""

    def __init__(self) -> None:
        self.tracer: Any = None


_here: Final = _Provider()


@contextmanager
def tracing(service: str, settings: TracingSettings | None = None) -> Iterator[None]:
    """Make and send spans for as long as the block runs, where the settings name a collector.

    Args:
        service: What they come from, where OTEL_SERVICE_NAME does not say it.
        settings: From the environment by default.
    """
    settings = settings or TracingSettings()
    if not settings.is_on:
        yield
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 (only where spans are made)
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 (as above)
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 (as above)
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 (as above)

    name = {"service.name": settings.service_name or service}
    provider = TracerProvider(resource=Resource.create(name), shutdown_on_exit=False)
    endpoint = settings.exporter_otlp_traces_endpoint or (
        f"{settings.exporter_otlp_endpoint.rstrip('/')}/v1/traces"
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint)))
    quiet = _OnceAMinute()
    logging.getLogger(EXPORTER).addFilter(quiet)
    _here.tracer = provider.get_tracer(SCOPE)
    try:
        yield
    finally:
        _here.tracer = None
        provider.force_flush(int(LAST_SECONDS * 1000))
        provider.shutdown()
        logging.getLogger(EXPORTER).removeFilter(quiet)


def is_tracing() -> bool:
    """Return whether spans are made here."""
    return _here.tracer is not None


def span(
    name: str,
    *,
    kind: str = "internal",
    carried: Mapping[str, str] | None = None,
    links: Iterable[str] = (),
    **attributes: object,
) -> AbstractContextManager[Spanned]:
    """Make a span of a block, below the one that is open; nothing where none is wanted.

    Args:
        name: What is done, such as `stationmaster.look`.
        kind: `internal`, `server` or `client`.
        carried: Headers of a request, with the trace that it belongs to.
        links: W3C traceparents of other traces that it is about: of a run, say.
        **attributes: Said as `stationmaster.<name>`.
    """
    if _here.tracer is None:
        return nullcontext(_NoSpan())
    return _made(name, kind, carried, tuple(links), attributes)


def current_traceparent() -> str:
    """Return the open span as a W3C traceparent, nothing where there is none."""
    if _here.tracer is None:
        return ""
    from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415 (as above)
        TraceContextTextMapPropagator,
    )

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get(TRACEPARENT, "")


@contextmanager
def _made(
    name: str,
    kind: str,
    carried: Mapping[str, str] | None,
    links: tuple[str, ...],
    attributes: Mapping[str, object],
) -> Iterator[Spanned]:
    from opentelemetry import trace  # noqa: PLC0415 (as above)
    from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415 (as above)
        TraceContextTextMapPropagator,
    )

    propagator = TraceContextTextMapPropagator()
    contexts = [
        trace.get_current_span(propagator.extract({TRACEPARENT: each})).get_span_context()
        for each in links
        if each
    ]
    with _here.tracer.start_as_current_span(
        name,
        context=propagator.extract(carried) if carried else None,
        kind=trace.SpanKind[kind.upper()],
        links=[trace.Link(each) for each in contexts if each.is_valid],
    ) as made:
        spanned = _Span(made, trace.Status(trace.StatusCode.ERROR))
        spanned.set(**attributes)
        yield spanned


class _Span:
    """A span of OpenTelemetry."""

    def __init__(self, made: Any, error: Any) -> None:  # noqa: ANN401 (OpenTelemetry's, not imported above)
        self._made = made
        self._error = error

    def set(self, **attributes: object) -> None:
        """Set attributes; empty ones are left out."""
        for name, value in attributes.items():
            if value is None or value == "":
                continue
            plain = value if isinstance(value, (bool, int, float)) else str(value)
            self._made.set_attribute(f"stationmaster.{name}", plain)

    def note(self, name: str, value: str | float) -> None:
        """Set an attribute by its whole name."""
        self._made.set_attribute(name, value)

    def fail(self, why: str) -> None:
        """Set the status to Error."""
        self._made.set_status(type(self._error)(self._error.status_code, why))


class _OnceAMinute(logging.Filter):
    """Let one line a minute through: a collector that is away is no reason for a line each 5 s."""

    def __init__(self) -> None:
        super().__init__()
        self._last = -QUIET_SECONDS

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether this line is written."""
        del record
        now = time.monotonic()
        if now - self._last < QUIET_SECONDS:
            return False
        self._last = now
        return True
