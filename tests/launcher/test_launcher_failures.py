"""Failures reach Airflow on a real worker: typed, with retries, callbacks and log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.launcher.airflow_home import eventually
from tests.launcher.stage import context_of_pod

if TYPE_CHECKING:
    from tests.launcher.airflow_home import AirflowHome
    from tests.launcher.stage import ClusterThread


@pytest.fixture(scope="module")
def failed(airflow: AirflowHome) -> str:
    """Return a run of the DAG `fails` that has ended."""
    airflow.api_server()
    run: str = airflow.call("trigger", dag_id="fails")
    assert airflow.ended(run, seconds=280) == "failed"
    return run


def test_a_broken_contract_is_not_retried(airflow: AirflowHome, failed: str) -> None:
    """Exit code 65 fails the task at its first try, in the step's own words."""
    query = "SELECT state, try_number FROM task_instance WHERE run_id = :run AND task_id = 'broken'"
    assert airflow.rows(query, run=failed) == [{"state": "failed", "try_number": 1}]
    airflow.log_says("StepContractBrokenError", failed, "broken")
    airflow.log_says("as told", failed, "broken")


def test_a_failed_step_is_tried_again(airflow: AirflowHome, failed: str) -> None:
    """Another exit code uses Airflow's retries."""
    query = "SELECT state, try_number FROM task_instance WHERE run_id = :run AND task_id = 'again'"
    assert airflow.rows(query, run=failed) == [{"state": "failed", "try_number": 2}]


def test_an_exit_code_may_mean_skipped(airflow: AirflowHome, failed: str) -> None:
    """skip_on_exit_code skips the task, without a worker."""
    assert airflow.states(failed)["skipped"] == "skipped"


def test_a_step_whose_time_is_over_ends(
    airflow: AirflowHome, cluster: ClusterThread, failed: str
) -> None:
    """execution_timeout ends pod and task, and says so."""
    assert airflow.states(failed)["late"] == "failed"
    airflow.log_says("StepTimedOutError", failed, "late")
    eventually(lambda: not cluster.pods(run_id=failed), seconds=30)


def test_what_needs_code_runs_on_a_worker(airflow: AirflowHome, failed: str) -> None:
    """A step whose shards a function counts runs on a worker, and the log says why."""
    assert airflow.states(failed)["counted"] == "success"
    airflow.log_says("shards= is a function", failed, "counted")


def test_a_retry_knows_what_it_repeats(
    airflow: AirflowHome, cluster: ClusterThread, failed: str
) -> None:
    """The second try's step is told the first try's id; one that a person cleared is not."""
    airflow.call("clear", dag_id="fails", run_id=failed, task_id="again")
    eventually(lambda: len(_told_again(cluster, failed)) >= 3, seconds=90)
    first, second, cleared, *_ = _told_again(cluster, failed)
    assert first["retry_of"] == []
    assert second["retry_of"] == [first["try_id"]]
    assert (cleared["try_number"], cleared["retry_of"]) == (3, [])
    airflow.ended(failed, seconds=120)


def _told_again(cluster: ClusterThread, run: str) -> list[dict[str, Any]]:
    contexts = [context_of_pod(pod) for pod in cluster.told]
    return [each for each in contexts if (each["run_id"], each["step"]) == (run, "again")]
