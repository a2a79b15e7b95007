"""A user's word ends the pods of a step, within seconds, and nothing else does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.launcher.airflow_home import eventually
from tests.launcher.stage import context_of_pod

if TYPE_CHECKING:
    from tests.launcher.airflow_home import AirflowHome
    from tests.launcher.stage import ClusterThread


def started(airflow: AirflowHome, cluster: ClusterThread, seconds: int = 300) -> str:
    """Return a run whose one step runs."""
    run: str = airflow.call("trigger", dag_id="one", conf={"seconds": seconds})
    eventually(lambda: cluster.running(run_id=run) == 1, seconds=60)
    return run


@pytest.mark.parametrize("state", ["failed", "success"])
def test_marking_a_step_ends_its_pod(
    airflow: AirflowHome, cluster: ClusterThread, state: str
) -> None:
    """A running step that is marked as failed or success loses its pod; the mark stands."""
    run = started(airflow, cluster)
    airflow.change(
        "UPDATE task_instance SET state = :state WHERE run_id = :run", state=state, run=run
    )
    eventually(lambda: not cluster.pods(run_id=run), seconds=15)
    assert airflow.ended(run) == state
    assert airflow.states(run) == {"only": state}


def test_clearing_a_step_ends_its_pod_and_starts_anew(
    airflow: AirflowHome, cluster: ClusterThread
) -> None:
    """A cleared step gets a new try with a pod of its own, and the old pod goes."""
    run = started(airflow, cluster)
    (old,) = cluster.pods(run_id=run)
    airflow.call("clear", dag_id="one", run_id=run, task_id="only")
    old_id = context_of_pod(old)["try_id"]
    eventually(lambda: not cluster.pods(try_id=old_id), seconds=15)
    eventually(lambda: cluster.running(run_id=run) == 1, seconds=30)
    (new,) = cluster.pods(run_id=run)
    assert context_of_pod(new)["try_number"] == 2
    airflow.change("UPDATE task_instance SET state = 'failed' WHERE run_id = :run", run=run)
    eventually(lambda: not cluster.pods(run_id=run), seconds=15)


def test_a_deleted_run_takes_its_pods_along(airflow: AirflowHome, cluster: ClusterThread) -> None:
    """A run that is deleted while a step runs leaves no pod."""
    run = started(airflow, cluster)
    airflow.change("DELETE FROM dag_run WHERE run_id = :run", run=run)
    eventually(lambda: not cluster.pods(run_id=run), seconds=15)
