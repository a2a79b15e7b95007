"""What a launcher makes of a task's row: whose it is, and what may be done with its pods."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.launcher.airflow_home import AirflowHome, eventually
from tests.launcher.bare_launcher import BareLauncher
from tests.launcher.stage import running_home

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.launcher.stage import ClusterThread

SET = "UPDATE task_instance SET state = :state, queued_dttm = now() WHERE run_id = :run"
TAKEN = "UPDATE task_instance SET unixname = 'somebody' WHERE run_id = :run"
PUSHED = """INSERT INTO xcom (dag_run_id, task_id, map_index, key, dag_id, run_id, value, timestamp)
SELECT id, 'only', -1, 'mine', dag_id, run_id, '1', now() FROM dag_run WHERE run_id = :run"""
STATE = "SELECT state, unixname, next_method FROM task_instance WHERE run_id = :run"


@pytest.fixture(scope="module")
def quiet(
    tmp_path_factory: pytest.TempPathFactory, cluster: ClusterThread
) -> Iterator[AirflowHome]:
    """Return an Airflow without a scheduler: its rows are the test's."""
    with running_home(tmp_path_factory.mktemp("quiet"), cluster) as running:
        yield running


@pytest.fixture(scope="module")
def launcher(quiet: AirflowHome) -> Iterator[BareLauncher]:
    """Return a launcher on it."""
    with BareLauncher(quiet) as running:
        yield running


def run_in(airflow: AirflowHome, state: str, dag_id: str = "one", **conf: object) -> str:
    """Return a run whose task instances are in a state."""
    run: str = airflow.call("trigger", dag_id=dag_id, conf=conf)
    airflow.change(SET, run=run, state=state)
    return run


def started(quiet: AirflowHome, launcher: BareLauncher, cluster: ClusterThread) -> tuple[str, str]:
    """Return a run whose step's pod runs, and the step's try."""
    run = run_in(quiet, "queued", seconds=300)
    try_id = launcher.order(run, "only")
    eventually(lambda: cluster.running(run_id=run) == 1, seconds=60)
    return run, try_id


def test_a_queued_task_is_run_to_its_end(
    quiet: AirflowHome, launcher: BareLauncher, cluster: ClusterThread
) -> None:
    """An order marks the row, makes a pod and reports the end when it is stored."""
    run = run_in(quiet, "queued")
    ti_id = launcher.order(run, "only")
    assert launcher.report() | {"why": ""} == {
        "kind": "over",
        "ti_id": ti_id,
        "why": "",
        "finishing": False,
        "silent": False,
    }
    assert quiet.states(run) == {"only": "success"}
    assert len([pod for pod in cluster.told if run in str(pod)]) == 1


@pytest.mark.parametrize("state", ["scheduled", "up_for_retry"])
def test_a_task_that_is_not_queued_is_not_ours(
    quiet: AirflowHome, launcher: BareLauncher, cluster: ClusterThread, state: str
) -> None:
    """What the scheduler took back gets no pod, and its end is not reported."""
    run = run_in(quiet, state)
    launcher.order(run, "only")
    assert launcher.report()["kind"] == "not_ours"
    assert quiet.states(run) == {"only": state}
    assert not [pod for pod in cluster.told if run in str(pod)]


def test_a_task_that_no_worker_survives_is_cleared_away(
    quiet: AirflowHome, launcher: BareLauncher, cluster: ClusterThread
) -> None:
    """Before Airflow fails it, its pods are gone and its log says why."""
    run, _ = started(quiet, launcher, cluster)
    quiet.change(SET, run=run, state="failed")
    assert launcher.report()["kind"] == "over"
    quiet.change(SET, run=run, state="queued")
    launcher.order(run, "only", give_up="No worker survives it.")
    assert launcher.report()["kind"] == "given_up"
    assert not cluster.pods(run_id=run)
    log = quiet.folder / f"logs/run_id={run}/task_id=only/attempt=1.log"
    eventually(lambda: "No worker survives it." in log.read_text(), seconds=20)


def test_a_step_that_another_has_gets_no_further_pod(
    quiet: AirflowHome, launcher: BareLauncher, cluster: ClusterThread
) -> None:
    """Whoever was overtaken makes no second attempt when the first one's pod is deleted."""
    run, _ = started(quiet, launcher, cluster)
    (pod,) = cluster.pods(run_id=run)
    quiet.change(TAKEN, run=run)
    metadata = pod["metadata"]
    cluster.call(cluster.fake.delete, metadata["name"], metadata["namespace"], {})
    assert launcher.report()["kind"] == "over"
    assert len([each for each in cluster.told if run in str(each)]) == 1


def test_who_adopts_a_step_clears_nothing(
    quiet: AirflowHome, launcher: BareLauncher, cluster: ClusterThread
) -> None:
    """Airflow clears a task's XComs when it starts; what the next launcher finds is the task's."""
    run = run_in(quiet, "queued", seconds=5)
    with BareLauncher(quiet) as first:
        first.order(run, "only")
        eventually(lambda: cluster.running(run_id=run) == 1, seconds=120)
        quiet.change(PUSHED, run=run)
    launcher.order(run, "only")
    assert launcher.report()["kind"] == "over"
    assert quiet.states(run) == {"only": "success"}
    keys = quiet.rows("SELECT key FROM xcom WHERE run_id = :run ORDER BY key", run=run)
    assert "mine" in [row["key"] for row in keys]
    assert len([pod for pod in cluster.told if run in str(pod)]) == 1


def test_only_a_launchers_task_is_handed_over(
    quiet: AirflowHome, launcher: BareLauncher, cluster: ClusterThread
) -> None:
    """A task that a worker runs is not queued again under it."""
    run, try_id = started(quiet, launcher, cluster)
    quiet.change(TAKEN, run=run)
    assert quiet.call("hand_over", ti_id=try_id) is False
    assert quiet.rows(STATE, run=run)[0]["state"] == "running"
    quiet.change("UPDATE task_instance SET unixname = 'stationmaster-launcher'")
    assert quiet.call("hand_over", ti_id=try_id) is True
    (row,) = quiet.rows(STATE, run=run)
    assert (row["state"], row["next_method"]) == ("queued", "finish")
    assert launcher.report()["kind"] == "over"


def test_a_pod_that_is_to_be_kept_is_kept(
    quiet: AirflowHome, launcher: BareLauncher, cluster: ClusterThread
) -> None:
    """A sweep frees the ended pod of on_finish_action="keep_pod", and deletes it not."""
    run = run_in(quiet, "queued", "kept")
    launcher.order(run, "only")
    assert launcher.report()["kind"] == "over"
    launcher.order(run, "only")  # as after a worker's end: what is left is swept
    assert launcher.report()["kind"] == "over"
    (pod,) = cluster.pods(run_id=run)
    assert pod["status"]["phase"] == "Succeeded"
    assert not pod["metadata"].get("finalizers")
    assert not pod["metadata"].get("deletionTimestamp")


def test_a_deleted_runs_pods_are_swept(
    quiet: AirflowHome, launcher: BareLauncher, cluster: ClusterThread
) -> None:
    """An order of a task that is gone clears its pods away, and says that it is over."""
    run, try_id = started(quiet, launcher, cluster)
    quiet.change("DELETE FROM dag_run WHERE run_id = :run", run=run)
    report = launcher.report()
    assert (report["kind"], report["ti_id"]) == ("over", try_id)
    assert not cluster.pods(run_id=run)
