"""What the serialized DAG holds of a mapped step."""

# ruff: noqa: PLC0415 (Airflow makes its home when imported: not before pytest_configure)

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest

from stationmaster.airflow.operator import StepOperator

if TYPE_CHECKING:
    from airflow.sdk import DAG


def serialized(dag: DAG, task_id: str) -> Any:  # noqa: ANN401 (Airflow's own serialized task)
    """Return a task as the scheduler and the launcher know it."""
    from airflow.serialization.serialized_objects import DagSerialization

    return DagSerialization.from_dict(DagSerialization.to_dict(dag)).get_task(task_id)


def test_a_mapped_step_has_its_jobs_timeout_owner_and_retry_policy(dag: DAG) -> None:
    """What a job says of itself holds for a mapped step; what the author says comes first."""
    partial = StepOperator.partial(task_id="step", job="toy-hello", dag=dag, owner="me")
    partial.expand(step_params=[{"a": 1}])
    plain = StepOperator(task_id="plain", job="toy-hello", dag=dag)
    task = serialized(dag, "step")
    assert task.execution_timeout == plain.execution_timeout
    assert isinstance(task.execution_timeout, dt.timedelta)
    assert task.has_retry_policy
    assert task.owner == "me"


def test_default_args_come_before_the_jobs_own(dag: DAG) -> None:
    """A DAG's default_args choose a mapped step's timeout and executor, as they do for others."""
    dag.default_args = {"execution_timeout": dt.timedelta(minutes=1), "executor": "LocalExecutor"}
    partial = StepOperator.partial(task_id="step", job="toy-hello", dag=dag, runtime="kubernetes")
    mapped = partial.expand(step_params=[{"a": 1}])
    assert mapped.execution_timeout == dt.timedelta(minutes=1)
    assert mapped.executor == "LocalExecutor"


def test_one_template_serves_all_of_a_mapped_step(dag: DAG) -> None:
    """The template holds what partial() was told, and beside it what is mapped over."""
    first = StepOperator(task_id="first", job="toy-hello", dag=dag, runtime="kubernetes")
    StepOperator.partial(
        task_id="step", job="toy-hello", dag=dag, runtime="kubernetes", arguments=["{{ ds }}"]
    ).expand(step_params=[{"a": 1}, {"a": first.output}], size=["s", "m", "l"])
    template = json.loads(serialized(dag, "step").launch)
    assert template["wishes"]["spec"]["containers"][0]["args"] == ["{{ ds }}"]
    assert template["expansion"] == {
        "kind": "dict-of-lists",
        "value": {
            "step_params": [
                {"a": 1},
                {"a": {"__xcom__": {"task_id": "first", "key": "return_value"}}},
            ],
            "size": ["s", "m", "l"],
        },
    }


@pytest.mark.parametrize(
    ("partial", "mapped", "reason"),
    [
        ({"job": "toy-hello"}, {"volumes": [[]]}, "volumes= is mapped"),
        ({}, {"job": ["toy-hello"]}, "job= is mapped"),
        ({"job": "toy-hello"}, {"shards": [len]}, "builtin_function_or_method objects"),
        ({"job": "toy-hello"}, {"env_vars": ["a.yaml"]}, "read as a template file"),
        ({"job": "toy-hello", "run_as_user": "me"}, {"size": ["s"]}, "run_as_user= is set"),
    ],
)
def test_what_no_document_can_hold_is_named(
    dag: DAG, partial: dict[str, Any], mapped: dict[str, Any], reason: str
) -> None:
    """Where only a worker can run a mapped step, the serialized DAG says why."""
    start = StepOperator.partial(task_id="step", dag=dag, runtime="kubernetes", **partial)
    start.expand(**mapped)
    assert reason in serialized(dag, "step").launch


def test_an_argument_that_is_said_twice_is_left_to_airflow(dag: DAG) -> None:
    """What expand_kwargs() repeats is refused by Airflow, so a worker says it in its words."""
    start = StepOperator.partial(
        task_id="step", job="toy-hello", dag=dag, runtime="kubernetes", size="s"
    )
    start.expand_kwargs([{"size": "m"}])
    assert "size= is mapped, and .partial() has it already" in serialized(dag, "step").launch


def test_a_mapped_step_of_local_processes_has_no_template(dag: DAG) -> None:
    """Only the kubernetes runtime is run by the launcher."""
    start = StepOperator.partial(task_id="step", job="toy-hello", dag=dag, runtime="process")
    start.expand(size=["s"])
    assert getattr(serialized(dag, "step"), "launch", None) is None
