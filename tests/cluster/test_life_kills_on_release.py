"""What a user does to a running step in the release's Airflow ends its pod, and no other pod."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.testdags import install

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cluster.airflow_api import AirflowApi
    from tests.cluster.place import Place

pytestmark = pytest.mark.cluster

DAG = "drill_30"
WITHIN_SECONDS = 15.0
"""From the user's word to the end of the pod: the issue's own promise."""


def until(holds: Callable[[], object], seconds: float) -> None:
    """Wait until something holds, for a bounded time."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            message = f"expected it within {seconds} s, waited in vain"
            raise TimeoutError(message)
        time.sleep(0.2)


def running(place: Place, run_id: str) -> dict[str, str]:
    """Return the uids of a run's pods whose containers run, by step."""
    pods = place.pods(f"stationmaster.io/run={run_id}", place.steps_namespace)
    return {
        pod["metadata"]["labels"]["stationmaster.io/step"]: pod["metadata"]["uid"]
        for pod in pods
        if any("running" in each["state"] for each in pod["status"].get("containerStatuses", ()))
    }


def until_lost(place: Place, run_id: str, step: str, uid: str) -> None:
    """Wait until a step's pod runs no more."""
    until(lambda: running(place, run_id).get(step) != uid, WITHIN_SECONDS)


@pytest.fixture(name="run_id", scope="module")
def _run_id(place: Place, airflow: AirflowApi) -> Iterator[str]:
    """Have ten steps running for minutes, and end them all at last."""
    install(place)
    airflow.wait_for_dag(DAG)
    run_id = airflow.trigger(DAG, conf={"seconds": 600, "mark": "kills"})
    run = f"/api/v2/dags/{DAG}/dagRuns/{run_id}"
    try:
        until(lambda: len(running(place, run_id)) == 10, 240.0)
        yield run_id
    finally:
        airflow.call("PATCH", run, json={"state": "failed"})
        airflow.call("DELETE", run)


def mark(airflow: AirflowApi, run_id: str, step: str, state: str) -> None:
    """Mark a step, as the UI does."""
    path = f"/api/v2/dags/{DAG}/dagRuns/{run_id}/taskInstances/{step}"
    airflow.call("PATCH", path, json={"new_state": state})


def clear(airflow: AirflowApi, run_id: str, step: str) -> None:
    """Clear a step, as the UI does."""
    body: dict[str, Any] = {"dry_run": False, "dag_run_id": run_id, "task_ids": [step]}
    airflow.call(
        "POST", f"/api/v2/dags/{DAG}/clearTaskInstances", json=body | {"only_failed": False}
    )


def test_a_marked_or_cleared_step_loses_its_pod_and_no_other_does(
    place: Place, airflow: AirflowApi, run_id: str
) -> None:
    """Failed, success, cleared: each pod ends within 15 s; seven others run on untouched."""
    before = running(place, run_id)
    acts: dict[str, Callable[[str], None]] = {
        "a00": lambda step: mark(airflow, run_id, step, "failed"),
        "a01": lambda step: mark(airflow, run_id, step, "success"),
        "a02": lambda step: clear(airflow, run_id, step),
    }
    for step, act in acts.items():
        act(step)
        until_lost(place, run_id, step, before[step])

    until(lambda: "a02" in running(place, run_id), 60.0)
    now = running(place, run_id)
    others = before.keys() - acts.keys()
    assert {step: now.get(step) for step in others} == {step: before[step] for step in others}
    assert now["a02"] != before["a02"]


def test_a_run_that_is_marked_as_failed_leaves_no_pod(
    place: Place, airflow: AirflowApi, run_id: str
) -> None:
    """All pods of the run end: a machine of two cores takes a while for ten at once."""
    airflow.call("PATCH", f"/api/v2/dags/{DAG}/dagRuns/{run_id}", json={"state": "failed"})

    until(lambda: not running(place, run_id), 60.0)
