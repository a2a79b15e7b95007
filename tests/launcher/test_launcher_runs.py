"""What a step run by the launcher leaves in Airflow, on the cluster and in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stationmaster.ledger.store import Ledger
from tests.launcher.airflow_home import eventually
from tests.launcher.stage import context_of_pod

if TYPE_CHECKING:
    from tests.launcher.airflow_home import AirflowHome
    from tests.launcher.stage import ClusterThread


def test_a_step_succeeds_without_a_worker(airflow: AirflowHome, cluster: ClusterThread) -> None:
    """A step becomes one pod, its references an XCom, and the pod goes when that is kept."""
    run = airflow.call("trigger", dag_id="one")
    assert airflow.ended(run) == "success"
    (xcom,) = airflow.rows("SELECT key, value FROM xcom WHERE run_id = :run", run=run)
    assert xcom["key"] == "return_value"
    assert xcom["value"]["outputs"][0]["rows"] == 3
    airflow.log_says("Published greetings", run, "only")
    eventually(lambda: not cluster.pods(run_id=run), seconds=30)


def test_the_rendered_fields_are_shown(airflow: AirflowHome) -> None:
    """The UI shows what the templates became."""
    run = airflow.call("trigger", dag_id="one")
    airflow.ended(run)
    (row,) = airflow.rows(
        "SELECT rendered_fields FROM rendered_task_instance_fields WHERE run_id = :run", run=run
    )
    assert row["rendered_fields"]["step_params"]["seconds"] == "0"
    assert len(row["rendered_fields"]["step_params"]["day"]) == len("2011-11-22")


def test_templates_render_as_on_a_worker(airflow: AirflowHome, cluster: ClusterThread) -> None:
    """Params, Variables, XComs by template and by reference reach the step."""
    airflow.call("variable", key="who", value="world")
    run = airflow.call("trigger", dag_id="rich", conf={"seconds": 1})
    eventually(lambda: bool(cluster.pods(run_id=run, step="second")), seconds=60)
    (pod,) = cluster.pods(run_id=run, step="second")
    params = context_of_pod(pod)["params"]
    assert params["rows"] == "3"
    assert params["first"]["outputs"][0]["snapshot"] == 42
    env = {each["name"]: each.get("value") for each in pod["spec"]["containers"][0]["env"]}
    assert env["GREETING"] == "hello world"
    assert airflow.ended(run) == "success"


def test_outlets_make_asset_events(airflow: AirflowHome) -> None:
    """A step with an outlet starts the DAGs that wait for it."""
    run = airflow.call("trigger", dag_id="rich")
    assert airflow.ended(run) == "success"
    events = "SELECT 1 FROM asset_event WHERE source_run_id = :run AND source_task_id = 'first'"
    assert airflow.rows(events, run=run)
    started = "SELECT run_id FROM dag_run WHERE dag_id = 'listens' AND state = 'success'"
    eventually(lambda: bool(airflow.rows(started)), seconds=60)


def test_shards_are_pods_of_one_task(airflow: AirflowHome, cluster: ClusterThread) -> None:
    """A number of shards from a template becomes as many pods of one task."""
    run = airflow.call("trigger", dag_id="sharded", conf={"seconds": 3})
    eventually(lambda: cluster.running(run_id=run) == 3, seconds=60)
    assert airflow.states(run) == {"parts": "running"}
    assert airflow.ended(run) == "success"


def test_each_attempt_is_in_the_ledger(airflow: AirflowHome) -> None:
    """The ledger holds the attempt with its verdict and the rows it wrote."""
    run = airflow.call("trigger", dag_id="one")
    airflow.ended(run)
    (row,) = airflow.rows("SELECT id FROM task_instance WHERE run_id = :run", run=run)
    ledger = Ledger.open(airflow.environment["STATIONMASTER_LEDGER_URI"])
    (attempt,) = ledger.attempts_of_try(str(row["id"]))
    assert (attempt.verdict, attempt.shard, attempt.attempt) == ("succeeded", 0, 1)
