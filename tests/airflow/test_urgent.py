"""Urgent steps: their rank in Airflow's queue, and their pods' among pods."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from stationmaster.airflow.launcher.writing import write_template
from stationmaster.airflow.operator import StepOperator
from tests.airflow.test_mapped_steps import serialized

START = dt.datetime(2011, 1, 1, tzinfo=dt.UTC)
MAPPED = [{"rows": 1}, {"rows": 2}]


@pytest.fixture(autouse=True)
def _class_of_the_chart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATIONMASTER_URGENT_PRIORITY_CLASS", "ours-urgent")
    monkeypatch.setenv("STATIONMASTER_RUNTIME", "kubernetes")


def ranks(**arguments: Any) -> tuple[int, str | None]:  # noqa: ANN401 (of StepOperator)
    """Return a step's weight in Airflow, and the class that its pod is made with."""
    step = StepOperator(task_id="step", job="toy-hello", **arguments)
    (pod,) = step.build_pods()
    template = write_template(step)
    assert template.wishes["spec"].get("priorityClassName") == pod.spec.priority_class_name
    return step.priority_weight, pod.spec.priority_class_name


def test_an_urgent_step_outweighs_others_and_takes_their_place() -> None:
    """One argument ranks the task in Airflow and its pods in Kubernetes."""
    assert ranks(urgent=True) == (1000, "ours-urgent")
    assert ranks() == (1, None)


def test_what_the_author_says_stands() -> None:
    """A weight or a class of the author's own is kept."""
    assert ranks(urgent=True, priority_weight=5) == (5, "ours-urgent")
    assert ranks(urgent=True, priority_class_name="mine") == (1000, "mine")


def test_without_a_class_only_airflow_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the deployment names no class, no pod asks for one that may not be there."""
    monkeypatch.delenv("STATIONMASTER_URGENT_PRIORITY_CLASS")
    assert ranks(urgent=True) == (1000, None)


def test_a_pipeline_is_urgent_by_its_default_args() -> None:
    """One line makes all steps of a pipeline urgent, mapped ones too."""
    from airflow.sdk import DAG  # noqa: PLC0415 (Airflow makes its home when imported)

    with DAG("alarm", schedule=None, start_date=START, default_args={"urgent": True}) as dag:
        StepOperator(task_id="plain", job="toy-hello")
        StepOperator.partial(task_id="mapped", job="toy-hello").expand(step_params=MAPPED)
    for name in ("plain", "mapped"):
        task = serialized(dag, name)
        assert task.priority_weight == 1000
        assert '"priorityClassName":"ours-urgent"' in task.launch
