"""Mapped steps run without a worker where what they are mapped over needs no code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.launcher.stage import context_of_pod

if TYPE_CHECKING:
    from tests.launcher.airflow_home import AirflowHome
    from tests.launcher.stage import ClusterThread

EVENTS = "SELECT 1 FROM asset_event WHERE source_run_id = :run AND source_task_id = 'several'"
ROWS = """SELECT map_index, rendered_map_index, state, try_number FROM task_instance
WHERE run_id = :run AND task_id = :task ORDER BY map_index"""


@pytest.fixture(scope="module")
def mapped(airflow: AirflowHome) -> AirflowHome:
    """Return the Airflow with the DAGs of mapped steps, and an api-server for its workers."""
    airflow.call("sync", path="mapped.py")
    airflow.api_server()
    return airflow


def ended(airflow: AirflowHome, dag_id: str) -> str:
    """Return a run of the DAG that succeeded."""
    run: str = airflow.call("trigger", dag_id=dag_id)
    assert airflow.ended(run, seconds=200) == "success", airflow.states(run)
    return run


def told(cluster: ClusterThread, run_id: str, step: str) -> dict[int, dict[str, Any]]:
    """Return what the pods of a mapped step were told, by map index."""
    contexts = [(context_of_pod(pod), pod) for pod in cluster.told]
    return {
        context["map_index"]: {**context, "pod": pod}
        for context, pod in contexts
        if context["run_id"] == run_id and context["step"] == step
    }


def variables(pod: dict[str, Any]) -> dict[str, Any]:
    """Return a pod's environment variables with plain values."""
    container = pod["spec"]["containers"][0]
    return {each["name"]: each.get("value") for each in container["env"]}


def test_literals_are_mapped_over_without_a_worker(
    mapped: AirflowHome, cluster: ClusterThread
) -> None:
    """Each of two countries with each of two currencies is a pod, its templates rendered."""
    run = ended(mapped, "mapped_literals")
    pods = told(cluster, run, "several")
    said = [
        (each["params"]["country"], variables(each["pod"])["CURRENCY"]) for each in pods.values()
    ]
    assert sorted(said) == sorted(
        [("de", "EUR"), ("de", "mapped_literals"), ("fr", "EUR"), ("fr", "mapped_literals")]
    )
    assert all(len(each["params"]["day"]) == len("2011-11-22") for each in pods.values())
    assert "worker" not in mapped.log_of(run, "several")
    rows = mapped.rows(ROWS, run=run, task="several")
    assert [row["rendered_map_index"] for row in rows] == ["de", "de", "fr", "fr"]
    assert len(mapped.rows(EVENTS, run=run)) == 4


def test_outputs_are_mapped_over_without_a_worker(
    mapped: AirflowHome, cluster: ClusterThread
) -> None:
    """A list, and a list of arguments, that an upstream task returned become pods."""
    run = ended(mapped, "mapped_outputs")
    listed, kinds = told(cluster, run, "over_list"), told(cluster, run, "over_kwargs")
    assert listed[0]["params"] == {"country": "de", "text": "{{ ds }}"}
    assert listed[1]["params"]["country"] == "fr"
    assert variables(kinds[1]["pod"])["CURRENCY"] == "GBP"
    assert kinds[1]["shard"]["count"] == 2
    chained = told(cluster, run, "over_mapped")
    assert [each["params"]["outputs"][0]["rows"] for each in chained.values()] == [3, 3]
    for step in ("over_list", "over_kwargs", "over_mapped"):
        assert "worker" not in mapped.log_of(run, step)


def test_what_needs_code_to_be_mapped_over_says_so(mapped: AirflowHome) -> None:
    """A function over the outputs, and an argument that is not filled in here, need a worker."""
    run = ended(mapped, "mapped_code")
    over = "A worker runs this step: it is mapped over outputs that are mapped"
    mapped.log_says(over, run, "by_function")
    mapped.log_says("namespace= is mapped, and only its code can take that", run, "by_namespace")


def test_a_mapped_step_fails_as_any_other(mapped: AirflowHome) -> None:
    """A broken contract is not retried, although the step is mapped; its sibling succeeds."""
    run = mapped.call("trigger", dag_id="mapped_fails")
    assert mapped.ended(run, seconds=200) == "failed"
    rows = mapped.rows(ROWS, run=run, task="broken")
    assert [(row["state"], row["try_number"]) for row in rows] == [("failed", 1), ("success", 1)]
    mapped.log_says("StepContractBrokenError", run, "broken")
