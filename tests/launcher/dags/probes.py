"""DAGs of steps whose pods do as their parameters say."""

from __future__ import annotations

import datetime as dt
from typing import Any

from airflow.sdk import DAG, Asset

from stationmaster.airflow.operator import StepOperator

LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
SECONDS = "{{ dag_run.conf.get('seconds', 0) }}"


def probe(task_id: str, **arguments: Any) -> StepOperator:  # noqa: ANN401 (of StepOperator)
    """Return a step that takes as long as the run's conf says."""
    params = {"seconds": SECONDS, **arguments.pop("step_params", {})}
    return StepOperator(task_id=task_id, job="probe", step_params=params, **arguments)


with DAG("one", schedule=None, start_date=LONG_AGO):
    probe("only", step_params={"day": "{{ ds }}"})

with DAG("kept", schedule=None, start_date=LONG_AGO):
    probe("only", on_finish_action="keep_pod")

with DAG("rich", schedule=None, start_date=LONG_AGO, params={"greeting": "hello"}):
    first = probe("first", outlets=[Asset("greetings")])
    probe(
        "second",
        env_vars={"GREETING": "{{ params.greeting }} {{ var.value.who }}"},
        step_params={
            "rows": "{{ ti.xcom_pull(task_ids='first')['outputs'][0]['rows'] }}",
            "first": first.output,
            "run": "{{ run_id }}",
        },
    )

with DAG("listens", schedule=[Asset("greetings")], start_date=LONG_AGO):
    probe("after")

with DAG("five", schedule=None, start_date=LONG_AGO):
    for number in range(5):
        probe(f"step{number}")

with DAG("pooled", schedule=None, start_date=LONG_AGO):
    for number in range(5):
        probe(f"step{number}", pool="two_slots")

with DAG("few_at_once", schedule=None, start_date=LONG_AGO, max_active_tasks=2):
    for number in range(5):
        probe(f"step{number}")

with DAG("per_dag", schedule=None, start_date=LONG_AGO, max_active_runs=4):
    probe("shared", max_active_tis_per_dag=1)

with DAG("per_run", schedule=None, start_date=LONG_AGO):
    StepOperator.partial(task_id="several", job="probe", max_active_tis_per_dagrun=2).expand(
        step_params=[{"seconds": 2, "number": number} for number in range(5)]
    )

with DAG("ordered", schedule=None, start_date=LONG_AGO):
    for number in range(4):
        probe(f"step{number}", pool="one_slot", priority_weight=number)

with DAG("by_cores", schedule=None, start_date=LONG_AGO, default_args={"pool": "two_cores"}):
    for number in range(5):
        probe(f"step{number}", size="m")

with DAG("shards_by_cores", schedule=None, start_date=LONG_AGO, default_args={"pool": "two_cores"}):
    probe("parts", shards="{{ 1 + 6 }}", size="m")

with DAG("urgent", schedule=None, start_date=LONG_AGO, default_args={"pool": "one_slot"}):
    for number in range(3):
        probe(f"step{number}", priority_weight=number + 1)
    probe("alarm", urgent=True)

with DAG("sized", schedule=None, start_date=LONG_AGO):
    StepOperator(
        task_id="sort",
        job="sorter",
        step_params={"kind": "{{ dag_run.conf['kind'] }}"},
        shards=2,
        input_bytes=["{{ dag_run.conf['bytes'] }}", "{{ 2 * 2**30 }}"],
    )

with DAG("sharded", schedule=None, start_date=LONG_AGO):
    probe("parts", shards="{{ 1 + 2 }}")

with DAG("fails", schedule=None, start_date=LONG_AGO):
    probe("broken", step_params={"exit_code": 65}, retries=2)
    probe("again", step_params={"exit_code": 7}, retries=1, retry_delay=dt.timedelta(seconds=1))
    probe("skipped", step_params={"exit_code": 99}, skip_on_exit_code=99)
    probe("late", step_params={"seconds": 60}, execution_timeout=dt.timedelta(seconds=3))
    probe("counted", shards=lambda context: len(context["ti"].task_id) // 3)
