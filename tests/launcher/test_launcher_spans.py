"""A step's trace, through a whole Airflow that traces: from the task's span to the pod's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.launcher.airflow_home import AirflowHome, eventually
from tests.launcher.otlp_receiver import OtlpReceiver, attributes_of
from tests.launcher.stage import context_of_pod, running_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    from tests.launcher.stage import ClusterThread

PHASES = ["queue", "schedule", "start", "run"]


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    """Return a collector."""
    with OtlpReceiver() as running:
        yield running


@pytest.fixture
def tracing(
    tmp_path: Path, cluster: ClusterThread, receiver: OtlpReceiver
) -> Iterator[AirflowHome]:
    """Return an Airflow with a scheduler, told by its own settings to trace."""
    variables = {
        "AIRFLOW__TRACES__OTEL_ON": "True",
        "OTEL_TRACES_EXPORTER": "otlp_proto_http",
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
        "OTEL_BSP_SCHEDULE_DELAY": "500",
    }
    with running_home(tmp_path, cluster, variables) as running:
        running.scheduler_process = running.scheduler()
        yield running


def spans_of(receiver: OtlpReceiver, prefix: str) -> list[Span]:
    """Return the spans whose names begin like that, in the order of their starts."""
    found = [each for each in list(receiver.spans) if each.name.startswith(prefix)]
    return sorted(found, key=lambda each: (each.start_time_unix_nano, each.end_time_unix_nano))


def test_a_step_is_traced_from_task_to_pod(
    tracing: AirflowHome, cluster: ClusterThread, receiver: OtlpReceiver
) -> None:
    """Airflow's span of the task is the parent of our phases, and `run` that of the pod's own.

    A launcher that is killed while the step runs changes nothing of it.
    """
    run = tracing.call("trigger", dag_id="one", conf={"seconds": 5})
    eventually(lambda: cluster.running(run_id=run) == 1, seconds=240)
    (pod,) = cluster.pods(run_id=run)
    tracing.launcher(tracing.scheduler_process).kill()
    assert tracing.ended(run, seconds=240) == "success"
    eventually(lambda: bool(spans_of(receiver, "task_run.only")), seconds=60)
    eventually(lambda: len(spans_of(receiver, "stationmaster.")) == len(PHASES), seconds=60)
    (task,) = spans_of(receiver, "task_run.only")
    phases = spans_of(receiver, "stationmaster.")
    assert sorted(each.name for each in phases) == sorted(f"stationmaster.{n}" for n in PHASES)
    assert {each.parent_span_id for each in phases} == {task.span_id}
    (last,) = [each for each in phases if each.name == "stationmaster.run"]
    told = f"00-{last.trace_id.hex()}-{last.span_id.hex()}-"
    assert context_of_pod(pod)["traceparent"].startswith(told)
    assert attributes_of(last)["stationmaster.pipeline"] == "one"
    # Both begin when Airflow queued the task, told in floats of Airflow's.
    assert abs(phases[0].start_time_unix_nano - task.start_time_unix_nano) <= 2_000
