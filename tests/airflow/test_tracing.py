"""The spans of an attempt: their ids, times, parents, and what becomes of them in trouble."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import ProxyTracerProvider, StatusCode

from stationmaster.airflow.launcher.tracing import emit, traced
from stationmaster.airflow.life.attempts import live
from stationmaster.airflow.life.plan import StepPlan, context_of, pod_of
from stationmaster.airflow.life.platform import Platform
from stationmaster.airflow.life.pulls import pull_of
from stationmaster.airflow.life.recording import record_of_pod
from stationmaster.airflow.life.stopping import StopSignal
from stationmaster.airflow.life.testing import fails
from stationmaster.step.protocol import CONTEXT_VARIABLE
from tests.launcher.otlp_receiver import OtlpReceiver, attributes_of
from tests.ledger.attempts import record
from tests.life.plans import plan_of
from tests.life.worlds import a_world

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TASK = "00f067aa0ba902b7"
SAMPLED = f"00-{TRACE}-{TASK}-01"
NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


def traced_plan(traceparent: str = SAMPLED) -> StepPlan:
    """Return a plan whose task has a trace."""
    plan = plan_of()
    context = plan.context.model_copy(update={"traceparent": traceparent})
    return plan.model_copy(update={"context": context, "queued_at": plan.started_at})


def environment_of(pod: dict[str, Any]) -> dict[str, str]:
    """Return the environment of a pod's step."""
    return {each["name"]: each["value"] for each in pod["spec"]["containers"][0]["env"]}


def provider_of(exporter: InMemorySpanExporter) -> TracerProvider:
    """Return a provider that exports at once."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


def by_name(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    """Return the spans that were exported, by the last part of their names."""
    return {each.name.rpartition(".")[2]: each for each in exporter.get_finished_spans()}


async def lived(plan: StepPlan, provider: Any, script: Any = None) -> list[Any]:  # noqa: ANN401 (of two libraries)
    """Live a plan before a fake cluster with that provider of spans; return the pods."""
    async with a_world(script) as world, traced(world.record, world.cluster, provider) as record:
        platform = Platform(world.cluster, world.watch, record, world.said.append)
        await live(plan, platform, StopSignal())
        return list(world.fake.objects.pods.values())


def test_the_pod_is_told_the_run_span() -> None:
    """What runs in the pod becomes a child of the attempt's run span; the annotation is the task's.

    Each attempt of each shard has a span of its own.
    """
    plan = traced_plan().model_copy(update={"shards": 2})
    pods = [pod_of(plan, shard, attempt) for shard in (0, 1) for attempt in (1, 2)]
    told = [environment_of(pod)["TRACEPARENT"] for pod in pods]
    assert len(set(told)) == 4
    assert all(each.startswith(f"00-{TRACE}-") and each.endswith("-01") for each in told)
    assert TASK not in "".join(told)
    contexts = [json.loads(environment_of(pod)[CONTEXT_VARIABLE]) for pod in pods]
    assert [each["traceparent"] for each in contexts] == told
    notes = {pod["metadata"]["annotations"]["stationmaster.io/traceparent"] for pod in pods}
    assert notes == {SAMPLED}


@pytest.mark.parametrize("given", [f"00-{TRACE}-{TASK}-00", "nonsense"])
def test_a_trace_that_nobody_keeps_stays_as_it_is(given: str) -> None:
    """Where the run was not sampled, no span of ours would be the parent that the pod is told."""
    assert environment_of(pod_of(traced_plan(given), 0, 1))["TRACEPARENT"] == given


def test_an_author_names_another_trace() -> None:
    """A TRACEPARENT in the step's own environment stands."""
    plan = traced_plan()
    own = {"name": "TRACEPARENT", "value": "mine"}
    plan.pod["spec"]["containers"][0]["env"].append(own)
    assert environment_of(pod_of(plan, 0, 1))["TRACEPARENT"] == "mine"


def test_a_reaped_pod_is_recorded_in_its_tasks_trace() -> None:
    """What is read back from a pod names the task's span, not the pod's own, as the parent."""
    pod = pod_of(traced_plan(), 0, 1)
    pod["metadata"] |= {"uid": "u", "creationTimestamp": "2026-11-22T12:00:00Z"}
    found = record_of_pod(pod | {"status": {}})
    assert found is not None
    assert found.traceparent == SAMPLED


def test_an_attempt_is_its_phases() -> None:
    """Each phase is a span under the task's, from where the one before it ended; run is as told."""
    exporter, plan = InMemorySpanExporter(), traced_plan()
    asyncio.run(lived(plan, provider_of(exporter)))
    spans = by_name(exporter)
    assert list(spans) == ["queue", "schedule", "start", "run"]
    assert {f"{each.parent.span_id:016x}" for each in spans.values() if each.parent} == {TASK}
    context = context_of(plan, 0, 1)
    told = environment_of(pod_of(plan, 0, 1))["TRACEPARENT"]
    run = spans["run"].get_span_context()
    assert run is not None
    assert told == f"00-{run.trace_id:032x}-{run.span_id:016x}-01"
    assert [each.end_time for each in spans.values()][:-1] == [
        each.start_time for each in spans.values()
    ][1:]
    assert spans["run"].attributes is not None
    assert spans["run"].attributes["stationmaster.try_id"] == context.try_id
    assert spans["run"].attributes["k8s.node.name"] == "fake-node"
    assert spans["run"].status.status_code is StatusCode.OK


def test_a_failure_is_an_error_in_its_last_phase() -> None:
    """The last span of an attempt that failed says so in the words of its verdict."""
    exporter = InMemorySpanExporter()
    asyncio.run(lived(traced_plan(), provider_of(exporter), lambda _: fails(65)))
    spans = by_name(exporter)
    assert spans["run"].status.status_code is StatusCode.ERROR
    assert "65" in str(spans["run"].status.description)
    assert spans["start"].status.status_code is StatusCode.UNSET
    assert spans["start"].attributes is not None
    assert spans["start"].attributes["stationmaster.verdict"] == "contract_broken"


@pytest.mark.parametrize(
    ("message", "present", "seconds"),
    [
        ('Successfully pulled image "a" in 1m2.5s (1m4s including waiting). Image size: 1.', 0, 64),
        ('Successfully pulled image "a.b:1" in 824ms', 0, 0.824),
        ('Container image "a" already present on machine', 1, None),
    ],
)
def test_a_pull_is_read_from_its_event(message: str, present: int, seconds: float | None) -> None:
    """The kubelet's event of the step's own container says when the image was there."""
    place = {"fieldPath": "spec.containers{base}"}
    known = {"reason": "Pulled", "lastTimestamp": NOON.isoformat()}
    event = known | {"involvedObject": place, "message": message}
    sidecar = known | {"involvedObject": {"fieldPath": "spec.containers{other}"}}
    pull = pull_of([event, sidecar, {"reason": "Started", "involvedObject": place}])
    assert pull is not None
    assert (pull.pulled_at, pull.was_present) == (NOON, bool(present))
    assert pull.seconds == pytest.approx(seconds)


def test_a_known_pull_is_a_span() -> None:
    """Where an event tells of the pull, it lies between node and start, with its own duration."""
    exporter = InMemorySpanExporter()
    times = ("queued_at", "created_at", "scheduled_at", "started_at", "finished_at")
    moments = {name: NOON + dt.timedelta(seconds=3 * n) for n, name in enumerate(times)}
    attempt = record(**moments, verdict="succeeded", traceparent=SAMPLED)
    event = {
        "reason": "Pulled",
        "involvedObject": {"fieldPath": "spec.containers{base}"},
        "eventTime": (NOON + dt.timedelta(seconds=8)).isoformat(),
        "message": 'Successfully pulled image "a" in 1.5s (1.5s including waiting).',
    }
    emit(attempt, pull_of([event]), provider_of(exporter))
    spans = by_name(exporter)
    assert list(spans) == ["queue", "schedule", "pull", "start", "run"]
    assert spans["pull"].end_time == (NOON + dt.timedelta(seconds=8)).timestamp() * 1e9
    assert spans["pull"].attributes is not None
    assert spans["pull"].attributes["stationmaster.pull_seconds"] == 1.5


def test_the_same_attempt_makes_the_same_spans() -> None:
    """A launcher that starts again makes no second set; a process makes each once."""
    exporter, plan = InMemorySpanExporter(), traced_plan()

    async def twice() -> None:
        async with a_world() as world:
            for _ in range(2):  # two launchers
                async with traced(world.record, world.cluster, provider_of(exporter)) as record:
                    platform = Platform(world.cluster, world.watch, record, world.said.append)
                    await live(plan, platform, StopSignal())
                    await record(world.records[-1])

    asyncio.run(twice())
    ids = [each.get_span_context().span_id for each in exporter.get_finished_spans()]  # type: ignore[union-attr]
    assert len(ids) == 8
    assert ids[:4] == ids[4:]
    times = [(each.start_time, each.end_time) for each in exporter.get_finished_spans()]
    assert times[:4] == times[4:]


def test_an_attempt_without_a_pod_was_queued() -> None:
    """What the API server refused was queued until it was recorded, and says why."""
    exporter = InMemorySpanExporter()
    known = {"queued_at": NOON, "recorded_at": NOON + dt.timedelta(seconds=5)}
    attempt = record(
        **known, verdict="config_error", sentence="It was refused.", traceparent=SAMPLED
    )
    emit(attempt, None, provider_of(exporter))
    (span,) = exporter.get_finished_spans()
    assert (span.name, span.status.description) == ("stationmaster.queue", "It was refused.")


@pytest.mark.parametrize("traceparent", [f"00-{TRACE}-{TASK}-00", "nonsense"])
def test_what_is_not_sampled_makes_no_span(traceparent: str) -> None:
    """Airflow's sampler decides for the whole run: no span, and no event is read for one."""
    exporter = InMemorySpanExporter()
    asyncio.run(lived(traced_plan(traceparent), provider_of(exporter)))
    assert not exporter.get_finished_spans()


def test_without_tracing_nothing_is_wrapped() -> None:
    """With Airflow's tracing off the ledger's own function is called, and nothing else."""

    async def yielded() -> tuple[Callable[..., Awaitable[None]], Callable[..., Awaitable[None]]]:
        async with (
            a_world() as world,
            traced(world.record, world.cluster, ProxyTracerProvider()) as record,
        ):
            return world.record, record

    ours, given = asyncio.run(yielded())
    assert ours == given


def test_a_real_exporter_sends_them() -> None:
    """The bytes that OpenTelemetry's exporter sends hold the spans with their parents."""
    with OtlpReceiver() as receiver:
        provider = TracerProvider()
        exporter = OTLPSpanExporter(f"{receiver.url}/v1/traces")
        provider.add_span_processor(BatchSpanProcessor(exporter))
        asyncio.run(lived(traced_plan(), provider))
        provider.shutdown()
    assert {each.name for each in receiver.spans} >= {"stationmaster.queue", "stationmaster.run"}
    assert {each.parent_span_id.hex() for each in receiver.spans} == {TASK}
    assert attributes_of(receiver.spans[0])["stationmaster.pipeline"] == "morning"


def test_a_collector_that_is_away_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """Spans that no collector takes are dropped with one line, and the steps are done."""
    provider = TracerProvider()
    exporter = OTLPSpanExporter("http://127.0.0.1:9/v1/traces", timeout=1)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    with caplog.at_level(logging.WARNING):
        assert len(asyncio.run(lived(traced_plan(), provider))) == 1
        provider.shutdown()
    said = [each for each in caplog.records if "opentelemetry" in each.name]
    assert len(said) == 1


class BrokenProvider(TracerProvider):
    """Be a provider whose tracer cannot be had."""

    def get_tracer(self, *_: Any, **__: Any) -> Any:  # noqa: ANN401 (as the SDK's)
        """Fail.

        Raises:
            OSError: Always.
        """
        message = "no tracer today"
        raise OSError(message)


def test_trouble_with_spans_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """A step whose spans are lost is done all the same; a warning says so once."""
    plan = traced_plan().model_copy(update={"shards": 3})
    with caplog.at_level(logging.WARNING):
        pods = asyncio.run(lived(plan, BrokenProvider()))
    assert len(pods) == 3
    assert [each.message for each in caplog.records if "Spans of" in each.message] != []
    assert len([each for each in caplog.records if "Spans of" in each.message]) == 1
