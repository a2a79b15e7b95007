"""What Airflow allows at once holds for steps that no worker runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.launcher.stage import context_of_pod

if TYPE_CHECKING:
    from tests.launcher.airflow_home import AirflowHome
    from tests.launcher.stage import ClusterThread


def most_at_once(
    airflow: AirflowHome, cluster: ClusterThread, runs: list[str], step: str | None = None
) -> int:
    """Return how many pods of the runs ran at the same time, at most, until all runs ended."""
    most = 0
    wanted = {"step": step} if step else {}
    until = time.monotonic() + 120
    while any(airflow.run_state(run) in {"queued", "running"} for run in runs):
        most = max(most, sum(cluster.running(run_id=run, **wanted) for run in runs))
        assert time.monotonic() < until
        time.sleep(0.05)
    assert {airflow.run_state(run) for run in runs} == {"success"}
    return most


def test_a_pool_bounds_steps(airflow: AirflowHome, cluster: ClusterThread) -> None:
    """Of five steps in a pool of two slots, two run at once."""
    airflow.call("pool", name="two_slots", slots=2)
    run = airflow.call("trigger", dag_id="pooled", conf={"seconds": 1})
    assert most_at_once(airflow, cluster, [run]) == 2


def test_a_pool_of_cores_bounds_steps_by_their_size(
    airflow: AirflowHome, cluster: ClusterThread
) -> None:
    """Of five steps of one core each in a pool of two cores, two run at once."""
    airflow.call("pools")
    run = airflow.call("trigger", dag_id="by_cores", conf={"seconds": 1})
    assert most_at_once(airflow, cluster, [run]) == 2


def test_a_pool_of_cores_bounds_the_shards_of_a_step(
    airflow: AirflowHome, cluster: ClusterThread
) -> None:
    """Of seven shards, counted when the step starts, as many run at once as the pool has cores."""
    airflow.call("pools")
    run = airflow.call("trigger", dag_id="shards_by_cores", conf={"seconds": 0.5})
    assert most_at_once(airflow, cluster, [run]) == 2
    told = [context_of_pod(pod) for pod in cluster.told]
    assert sorted(each["shard"]["index"] for each in told if each["run_id"] == run) == [*range(7)]
    airflow.log_says("of which 2 run at once", run, "parts")


def test_max_active_tasks_bounds_steps(airflow: AirflowHome, cluster: ClusterThread) -> None:
    """Of five steps of a DAG with max_active_tasks=2, two run at once."""
    run = airflow.call("trigger", dag_id="few_at_once", conf={"seconds": 1})
    assert most_at_once(airflow, cluster, [run]) == 2


def test_max_active_tis_per_dag_bounds_a_step(airflow: AirflowHome, cluster: ClusterThread) -> None:
    """Of three runs of a step with max_active_tis_per_dag=1, one runs at once."""
    runs = [airflow.call("trigger", dag_id="per_dag", conf={"seconds": 1}) for _ in range(3)]
    assert most_at_once(airflow, cluster, runs) == 1


def test_max_active_tis_per_dagrun_bounds_a_mapped_step(
    airflow: AirflowHome, cluster: ClusterThread
) -> None:
    """Of five of a mapped step with max_active_tis_per_dagrun=2, two run at once in each run."""
    runs = [airflow.call("trigger", dag_id="per_run") for _ in range(2)]
    assert most_at_once(airflow, cluster, runs) == 4
    contexts = [context_of_pod(pod) for pod in cluster.told]
    told = [(each["run_id"], each["map_index"]) for each in contexts if each["run_id"] in runs]
    assert sorted(told) == [(run, index) for run in sorted(runs) for index in range(5)]


def order_of_starts(
    airflow: AirflowHome, cluster: ClusterThread, dag_id: str, steps: int
) -> list[str]:
    """Return the steps of a run through a pool of one slot, in the order of their pods."""
    airflow.call("pool", name="one_slot", slots=1)
    run = airflow.call("trigger", dag_id=dag_id, conf={"seconds": 0.5})
    seen: list[str] = []
    while len(seen) < steps:
        for pod in cluster.pods(run_id=run):
            step = context_of_pod(pod)["step"]
            seen += [] if step in seen else [step]
        time.sleep(0.05)
    assert airflow.ended(run) == "success"
    return seen


def test_priority_comes_first(airflow: AirflowHome, cluster: ClusterThread) -> None:
    """Steps that wait for the same slot start by priority, the weightiest first."""
    before = len(cluster.created())
    seen = order_of_starts(airflow, cluster, "ordered", 4)
    assert len(cluster.created()) - before == 4
    assert seen == ["step3", "step2", "step1", "step0"]


def test_an_urgent_step_comes_first(airflow: AirflowHome, cluster: ClusterThread) -> None:
    """A step that says urgent=True starts before those that its pipeline weighs itself."""
    seen = order_of_starts(airflow, cluster, "urgent", 4)
    assert seen == ["alarm", "step2", "step1", "step0"]
