"""Whatever is killed or stands still: each step is done once, by one pod."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.launcher.airflow_home import AirflowHome, eventually
from tests.launcher.stage import running_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.launcher.stage import ClusterThread


@pytest.fixture
def alone(tmp_path: Path, cluster: ClusterThread) -> Iterator[AirflowHome]:
    """Return an Airflow of the test's own: its scheduler is to be killed."""
    with running_home(tmp_path, cluster) as running:
        yield running


def started(airflow: AirflowHome, cluster: ClusterThread, seconds: int) -> str:
    """Return a run of five steps, all of them running."""
    run: str = airflow.call("trigger", dag_id="five", conf={"seconds": seconds})
    eventually(lambda: cluster.running(run_id=run) == 5, seconds=240)
    return run


def done_once(airflow: AirflowHome, cluster: ClusterThread, run: str, before: int) -> None:
    """Assert that the run succeeded at the first try, with five pods."""
    assert airflow.ended(run, seconds=240) == "success"
    tries = airflow.rows("SELECT try_number FROM task_instance WHERE run_id = :run", run=run)
    assert [row["try_number"] for row in tries] == [1] * 5
    assert len(cluster.created()) - before == 5


def test_a_killed_launcher_loses_nothing(airflow: AirflowHome, cluster: ClusterThread) -> None:
    """The executor starts another launcher, which finds the pods by name."""
    before = len(cluster.created())
    run = started(airflow, cluster, seconds=8)
    airflow.launcher(airflow.scheduler_process).kill()
    done_once(airflow, cluster, run, before)


@pytest.mark.proof
def test_a_killed_scheduler_loses_nothing(alone: AirflowHome, cluster: ClusterThread) -> None:
    """Its launcher dies with it; the next scheduler adopts the steps, and finds their pods."""
    scheduler = alone.scheduler()
    before = len(cluster.created())
    run = started(alone, cluster, seconds=20)
    launcher = alone.launcher(scheduler)
    scheduler.kill()
    eventually(lambda: not launcher.is_running(), seconds=5)
    alone.scheduler()
    done_once(alone, cluster, run, before)


@pytest.mark.proof
def test_a_stopped_scheduler_leaves_its_pods(alone: AirflowHome, cluster: ClusterThread) -> None:
    """SIGTERM, as an upgrade sends it, ends no pod; the next scheduler takes them over."""
    scheduler = alone.scheduler()
    before = len(cluster.created())
    run = started(alone, cluster, seconds=20)
    scheduler.terminate()
    scheduler.wait(30)
    assert cluster.running(run_id=run) == 5
    alone.scheduler()
    done_once(alone, cluster, run, before)


@pytest.mark.proof
def test_a_scheduler_that_stood_still_goes_on(alone: AirflowHome, cluster: ClusterThread) -> None:
    """Two schedulers, one stopped for longer than its job's health allows: still once."""
    first = alone.scheduler()
    before = len(cluster.created())
    run = started(alone, cluster, seconds=25)
    alone.scheduler()
    first.send_signal(signal.SIGSTOP)
    time.sleep(16)
    first.send_signal(signal.SIGCONT)
    done_once(alone, cluster, run, before)
