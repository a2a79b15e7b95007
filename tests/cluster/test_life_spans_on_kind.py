"""The spans of a real pod: its pull from a real event, and what its process finds of its trace."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from stationmaster.airflow.launcher.tracing import traced
from stationmaster.airflow.life.attempts import live, release
from stationmaster.airflow.life.stopping import StopSignal
from tests.cluster.life_place import LifePlace, life_place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import ReadableSpan

    from stationmaster.airflow.life.plan import StepPlan
    from tests.cluster.place import Place

pytestmark = pytest.mark.cluster

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TASK = "00f067aa0ba902b7"
TELLS_ITS_TRACE = (
    'printf \'{"protocol":1,"status":"failed","error":{"kind":"Told","message":"%s"}}\''
    ' "$TRACEPARENT" > /dev/termination-log; sleep 2; exit 1'
)


@pytest.fixture(name="home", scope="module")
def _home(place: Place) -> Iterator[LifePlace]:
    with life_place(place) as home:
        yield home


async def spans_of(home: LifePlace, plan: StepPlan) -> dict[str, ReadableSpan]:
    """Live a plan to its end and return its spans by the last part of their names."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    async with (
        home.platform() as platform,
        traced(platform.record, platform.cluster, provider) as record,
    ):
        watched = replace(platform, record=record)
        end = await live(plan, watched, StopSignal())
        await release(plan, end, watched)
    return {each.name.rpartition(".")[2]: each for each in exporter.get_finished_spans()}


def test_a_real_pod_has_all_five_spans(home: LifePlace) -> None:
    """The kubelet's event tells the pull, and the pod's own process is told the run span."""
    plan = home.plan(TELLS_ITS_TRACE)
    context = plan.context.model_copy(update={"traceparent": f"00-{TRACE}-{TASK}-01"})

    spans = asyncio.run(spans_of(home, plan.model_copy(update={"context": context})))

    assert list(spans) == ["queue", "schedule", "pull", "start", "run"]
    assert spans["pull"].attributes is not None
    assert spans["pull"].attributes["stationmaster.image_was_present"] is True
    run = spans["run"]
    assert run.context is not None
    assert f"00-{TRACE}-{run.context.span_id:016x}-01" in str(run.status.description)
    assert run.start_time is not None
    assert run.end_time is not None
    assert run.end_time - run.start_time >= 1e9
