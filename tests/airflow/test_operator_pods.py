"""StepOperator on a worker with the kubernetes runtime, before a Kubernetes API of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from stationmaster.airflow.exceptions import StepContractBrokenError, StepMisconfiguredError
from stationmaster.airflow.operator import StepOperator
from tests.launcher.stage import ClusterThread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow.models.dagrun import DagRun
    from airflow.sdk import DAG

    RunDag = Callable[[DAG], DagRun]
    Pull = Callable[[DagRun, str], Any]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[ClusterThread]:
    """Return a Kubernetes API that the operator finds."""
    with ClusterThread() as running:
        monkeypatch.setenv("STATIONMASTER_KUBERNETES_URL", running.fake.url)
        yield running


def step(dag: DAG, **arguments: Any) -> StepOperator:  # noqa: ANN401 (of StepOperator)
    """Return a step on Kubernetes."""
    return StepOperator(task_id="step", job="toy-hello", runtime="kubernetes", dag=dag, **arguments)


def container_of(pod: dict[str, Any]) -> dict[str, Any]:
    """Return the step's container."""
    container: dict[str, Any] = pod["spec"]["containers"][0]
    return container


def test_a_worker_lives_the_pods(
    dag: DAG, run_dag: RunDag, xcom: Pull, cluster: ClusterThread
) -> None:
    """Without StepExecutor a worker runs the same pods, and pushes the same references."""
    step(dag, shards=lambda context: 1 + len(context["ti"].task_id) // 4)

    run = run_dag(dag)

    assert run.state == "success"
    assert xcom(run, "step")["outputs"][0]["dataset"] == "greetings"
    assert len(cluster.created("toy-hello")) == 2


def test_a_worker_raises_what_the_step_said(
    dag: DAG, run_dag: RunDag, failures: list[BaseException], cluster: ClusterThread
) -> None:
    """A broken contract is raised with the step's own words, and never retried."""
    step(dag, step_params={"exit_code": 65}, retries=3)

    run_dag(dag)

    assert isinstance(failures[0], StepContractBrokenError)
    assert "as told" in str(failures[0])
    assert len(cluster.created("toy-hello")) == 1


def test_a_missing_cluster_is_said(
    dag: DAG,
    run_dag: RunDag,
    failures: list[BaseException],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Where no cluster is to be found, the step says where it looked, and is not retried."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("HOME", str(tmp_path))
    step(dag, retries=3)

    run_dag(dag)

    assert isinstance(failures[0], StepMisconfiguredError)
    assert "kubeconfig" in str(failures[0])


@pytest.fixture
def _other_log_paths(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have Airflow keep its logs elsewhere; it reads that setting once a process."""
    from airflow.utils.helpers import log_filename_template_renderer  # noqa: PLC0415 (its home)

    template = "{{ ti.dag_run.run_id }}/{{ ti.task_id }}-{{ ti.try_number }}.log"
    monkeypatch.setenv("AIRFLOW__LOGGING__LOG_FILENAME_TEMPLATE", template)
    log_filename_template_renderer.cache_clear()
    yield
    monkeypatch.undo()
    log_filename_template_renderer.cache_clear()


@pytest.mark.usefixtures("_other_log_paths")
def test_the_pod_writes_its_log_where_airflow_looks(
    dag: DAG, run_dag: RunDag, cluster: ClusterThread
) -> None:
    """Whatever log_filename_template is, a worker's pod is told the path that Airflow reads."""
    step(dag)
    run = run_dag(dag)
    env = {each["name"]: each.get("value") for each in container_of(cluster.told[0])["env"]}
    assert env["STATIONMASTER_LOG_PATH"] == f"{run.run_id}/step-1"
