"""What needs a DAG's code shares a few workers, and none of it is lost or doubled."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.launcher.airflow_home import eventually

if TYPE_CHECKING:
    from tests.launcher.airflow_home import AirflowHome
    from tests.launcher.stage import ClusterThread

OLD_END = """UPDATE task_instance SET next_method = 'finish', next_kwargs = :kwargs
WHERE run_id = :run"""
TRIES = "SELECT state, try_number, next_method FROM task_instance WHERE run_id = :run"


@pytest.fixture(scope="module")
def working(airflow: AirflowHome) -> AirflowHome:
    """Return the Airflow with an api-server: its workers speak to it."""
    airflow.call("sync", path="on_workers.py")
    airflow.api_server()
    return airflow


@pytest.mark.proof
def test_a_failure_waits_for_no_step_on_a_worker(
    working: AirflowHome, cluster: ClusterThread
) -> None:
    """Two workers, two steps that want one each: the one that failed is told so meanwhile."""
    run = working.call("trigger", dag_id="workers_busy")
    eventually(lambda: working.states(run)["broken"] == "failed", seconds=120)
    others = [state for task, state in working.states(run).items() if task != "broken"]
    assert "success" not in others
    assert len(cluster.pods(run_id=run)) >= 1
    assert working.ended(run, seconds=400) == "failed"
    assert list(working.states(run).values()).count("success") == 2


def test_an_end_of_an_earlier_try_is_struck_out(
    working: AirflowHome, cluster: ClusterThread
) -> None:
    """A task that was cleared while a worker ended it runs again: its old end is not its end."""
    working.call("pool", name="closed", slots=0)
    run = working.call("trigger", dag_id="closed")
    kwargs = {"end": "{}", "try_id": "00000000-0000-0000-0000-000000000000"}
    working.change(OLD_END, run=run, kwargs=json.dumps(kwargs))
    working.call("pool", name="closed", slots=1)
    assert working.ended(run) == "success"
    assert working.rows(TRIES, run=run) == [
        {"state": "success", "try_number": 1, "next_method": None}
    ]
    assert len([pod for pod in cluster.told if run in str(pod)]) == 1
    assert "::group::" not in working.log_of(run, "only")  # which a worker writes


def test_a_users_kill_of_a_workers_step_leaves_no_pod(
    working: AirflowHome, cluster: ClusterThread
) -> None:
    """A worker is killed before it has deleted its pods: the launcher sweeps after it."""
    run = working.call("trigger", dag_id="worker_long")
    eventually(lambda: cluster.running(run_id=run) == 1, seconds=120)
    working.change("UPDATE task_instance SET state = 'failed' WHERE run_id = :run", run=run)
    eventually(lambda: not cluster.pods(run_id=run), seconds=120)
    assert working.ended(run) == "failed"


@pytest.mark.proof
def test_a_worker_that_dies_loses_nothing(working: AirflowHome, cluster: ClusterThread) -> None:
    """After a minute of its silence another worker takes the same try, and finds its pods."""
    run = working.call("trigger", dag_id="worker_dies")
    assert working.ended(run, seconds=300) == "success"
    assert working.rows(TRIES, run=run) == [
        {"state": "success", "try_number": 1, "next_method": None}
    ]
    assert len([pod for pod in cluster.told if run in str(pod)]) == 1
    working.log_says("Its worker has been silent", run, "only")
