"""A launcher holds thousands of steps: what they share is there once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.launcher.airflow_home import AirflowHome


def test_steps_of_a_dag_share_it(airflow: AirflowHome) -> None:
    """Five steps of one version of a DAG hold one copy of it, not five."""
    run = airflow.call("trigger", dag_id="five")
    assert airflow.call("copies_of_dag", run_id=run) == 1
    assert airflow.ended(run) == "success"
