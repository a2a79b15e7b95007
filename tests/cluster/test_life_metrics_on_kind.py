"""Steps without our runner, measured by a real metrics-server (`make cluster METRICS=1`)."""

from __future__ import annotations

import asyncio
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from stationmaster.airflow.life.attempts import live, release
from stationmaster.airflow.life.names import LOG_LABEL
from stationmaster.airflow.life.podmetrics import PodMetrics
from stationmaster.airflow.life.stopping import StopSignal
from tests.cluster.life_place import LifePlace, life_place
from tests.launcher.airflow_home import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stationmaster.airflow.life.plan import StepPlan
    from stationmaster.ledger.records import AttemptRecord
    from tests.cluster.place import Place

pytestmark = pytest.mark.cluster

MIB = 2**20
HOLDS_100_MIB = """
import time
held = bytearray(b"x") * (100 * 2**20)
began = time.monotonic()
while time.monotonic() < began + 75:
    busy = time.process_time() + 0.1
    while time.process_time() < busy:
        pass
    time.sleep(0.3)
"""


def metrics_answer(place: Place) -> bool:
    """Tell whether metrics-server knows the nodes; tests before may have moved its pod."""
    try:
        return "usage" in place.kubectl("get", "--raw", "/apis/metrics.k8s.io/v1beta1/nodes")
    except subprocess.CalledProcessError:
        return False


@pytest.fixture(name="home", scope="module")
def _home(place: Place) -> Iterator[LifePlace]:
    eventually(lambda: metrics_answer(place), seconds=180)
    with life_place(place) as home:
        yield home


async def measured(home: LifePlace, plan: StepPlan) -> AttemptRecord:
    """Live a step while its pod is looked at as the launcher does, and return its row."""
    async with home.platform() as bare:
        metrics = PodMetrics(bare.cluster)
        platform = replace(
            bare,
            record=metrics.recording(home.record),
            seen=lambda _, pod: metrics.notice(pod),
        )
        looking = asyncio.create_task(metrics.sample_for_ever(home.namespace))
        end = await live(plan, platform, StopSignal())
        await release(plan, end, platform)
        looking.cancel()
    return next(each for each in home.records if each.try_id == plan.context.try_id)


def test_a_foreign_step_has_its_memory_and_cpu_in_its_row(home: LifePlace) -> None:
    """The working set is what the step held; CPU seconds are right to a third or so."""
    plan = home.plan(f"exec python3 -c '{HOLDS_100_MIB}'", memory="256Mi")
    plan.pod["metadata"].setdefault("labels", {})[LOG_LABEL] = "pod"
    row = asyncio.run(measured(home, plan))
    assert (row.verdict, row.measured_by) == ("succeeded", "metrics.k8s.io")
    assert row.peak_working_set_bytes is not None
    assert 100 * MIB <= row.peak_working_set_bytes <= 125 * MIB
    assert row.cpu_seconds == pytest.approx(75 * 0.25, rel=0.5)
