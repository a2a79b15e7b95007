"""Steps that do not measure themselves are measured from the node's side, as far as it goes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from stationmaster.airflow.life.names import LOG_LABEL
from stationmaster.airflow.life.podmetrics import PodMetrics, cores_of
from stationmaster.airflow.life.testing.faults import Refusal
from tests.ledger.attempts import record, result
from tests.life.worlds import World, a_world

if TYPE_CHECKING:
    from stationmaster.ledger.records import AttemptRecord

MIB = 2**20


def pod(name: str = "p", log: str = "pod", phase: str = "Running") -> dict[str, Any]:
    """Return a pod of a foreign image."""
    return {
        "metadata": {"name": name, "uid": name, "labels": {LOG_LABEL: log}},
        "spec": {"containers": [{"name": "base"}]},
        "status": {"phase": phase},
    }


def usage(cpu: str, memory: str, container: str = "base") -> dict[str, Any]:
    """Return what metrics-server tells of that pod."""
    used = {"name": container, "usage": {"cpu": cpu, "memory": memory}}
    return {"metadata": {"name": "p"}, "containers": [used]}


async def measured(
    world: World, looks: list[dict[str, Any]], attempt: AttemptRecord, seen: dict[str, Any]
) -> AttemptRecord:
    """Return what is recorded of an attempt after some looks at its pod."""
    metrics = PodMetrics(world.cluster)
    metrics.notice(seen)
    for each in looks:
        world.fake.metrics = [each]
        await asyncio.sleep(0.05)
        await metrics.sample("life")
    await metrics.recording(world.record)(attempt)
    return world.records[-1]


def run(
    looks: list[dict[str, Any]], attempt: AttemptRecord, seen: dict[str, Any] | None = None
) -> AttemptRecord:
    """Return the same, in a world of its own."""

    async def scenario() -> AttemptRecord:
        async with a_world() as world:
            return await measured(world, looks, attempt, seen or pod())

    return asyncio.run(scenario())


ENDED = record(pod_name="p", verdict="succeeded")


def test_the_highest_look_is_the_peak() -> None:
    """The working set's peak and an estimate of CPU seconds are recorded, and who measured."""
    found = run([usage("500m", "90Mi"), usage("1500000000n", "40Mi")], ENDED)

    assert (found.peak_working_set_bytes, found.measured_by) == (90 * MIB, "metrics.k8s.io")
    assert found.cpu_seconds is not None
    assert found.cpu_seconds > 0
    assert found.peak_memory_bytes is None


@pytest.mark.parametrize(
    ("looks", "seen"),
    [
        ([], pod()),
        ([usage("1", "1Mi")], pod(log="")),
        ([usage("1", "1Mi")], pod(phase="Pending")),
        ([usage("much", "1Mi")], pod()),
        ([usage("1", "1Mi", container="sidecar")], pod()),
        ([{"metadata": {"name": "p"}}], pod()),
    ],
)
def test_what_was_not_seen_is_not_made_up(
    looks: list[dict[str, Any]], seen: dict[str, Any]
) -> None:
    """No look, a pod of ours, one that waits, nonsense: nothing is recorded as measured."""
    found = run(looks, ENDED, seen)

    assert (found.measured_by, found.peak_working_set_bytes) == ("", None)


def test_the_steps_own_word_stands() -> None:
    """A step that measured itself is not measured again."""
    found = run([usage("1", "900Mi")], record(pod_name="p", verdict="succeeded", result=result()))

    assert (found.measured_by, found.peak_memory_bytes) == ("step", 90 * MIB)


def test_a_cluster_without_metrics_is_left_alone() -> None:
    """Without metrics-server, or without the right, steps go on unmeasured."""

    async def scenario() -> AttemptRecord:
        async with a_world() as world:
            world.fake.faults.refuse("metrics", Refusal(404, "NotFound"))
            return await measured(world, [usage("1", "1Mi")], ENDED, pod())

    assert asyncio.run(scenario()).measured_by == ""


def test_a_metrics_server_that_is_away_for_a_moment_is_asked_again() -> None:
    """While its pod moves to another node nobody answers; the next look counts."""

    async def scenario() -> AttemptRecord:
        async with a_world(patience_seconds=0.0) as world:
            world.fake.faults.refuse("metrics", Refusal(503, ""))
            world.fake.metrics = [usage("1", "3Mi")]
            metrics = PodMetrics(world.cluster, sample_seconds=0.01)
            metrics.notice(pod())
            looking = asyncio.create_task(metrics.sample_for_ever("life"))
            await world.until(lambda: world.fake.faults.answered["metrics"] > 2)
            looking.cancel()
            await metrics.recording(world.record)(ENDED)
            return world.records[-1]

    assert asyncio.run(scenario()).peak_working_set_bytes == 3 * MIB


@pytest.mark.parametrize(
    ("text", "cores"), [("12345678n", 0.012345678), ("5u", 5e-6), ("250m", 0.25), ("2", 2.0)]
)
def test_cpu_quantities_are_read(text: str, cores: float) -> None:
    """metrics-server writes nanocores, people write millicores."""
    assert cores_of(text) == pytest.approx(cores)
    assert cores_of("") is None
