"""DAGs of mapped steps: over literals, over an upstream's output, over what needs code."""

from __future__ import annotations

import datetime as dt
from typing import Any

from airflow.sdk import DAG, Asset, task

from stationmaster.airflow.operator import StepOperator

LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


@task
def countries() -> list[dict[str, Any]]:
    """Return parameters, one mapping a country; the template among them is only text."""
    return [{"country": "de", "text": "{{ ds }}"}, {"country": "fr", "text": "x"}]


@task
def arguments() -> list[dict[str, Any]]:
    """Return arguments of steps."""
    return [
        {"step_params": {"country": "de"}, "size": "s", "env_vars": {"CURRENCY": "EUR"}},
        {"step_params": {"country": "gb"}, "shards": 2, "env_vars": {"CURRENCY": "GBP"}},
    ]


with DAG("mapped_literals", schedule=None, start_date=LONG_AGO, default_args={"size": "s"}):
    several = StepOperator.partial(
        task_id="several",
        job="probe",
        map_index_template="{{ task.step_params['country'] }}",
        outlets=[Asset("greetings")],
    ).expand(
        step_params=[{"country": "de", "day": "{{ ds }}"}, {"country": "fr", "day": "{{ ds }}"}],
        env_vars=[{"CURRENCY": "EUR"}, {"CURRENCY": "{{ dag.dag_id }}"}],
    )
    StepOperator.partial(task_id="each", job="probe", step_params={"country": "xx"}).expand(
        labels=several.output.map(lambda told: {"rows": str(told["outputs"][0]["rows"])})
    )

with DAG("mapped_outputs", schedule=None, start_date=LONG_AGO):
    StepOperator.partial(task_id="over_list", job="probe").expand(step_params=countries())
    kinds = StepOperator.partial(task_id="over_kwargs", job="probe").expand_kwargs(arguments())
    StepOperator.partial(task_id="over_mapped", job="probe").expand(step_params=kinds.output)

with DAG("mapped_code", schedule=None, start_date=LONG_AGO):
    StepOperator.partial(task_id="by_function", job="probe").expand(
        step_params=countries().map(lambda told: {**told, "seen": True})
    )
    StepOperator.partial(task_id="by_namespace", job="probe").expand(
        namespace=["stationmaster-steps"]
    )

with DAG("mapped_fails", schedule=None, start_date=LONG_AGO):
    StepOperator.partial(task_id="broken", job="probe", retries=2).expand(
        step_params=[{"exit_code": 65}, {"exit_code": 0}]
    )
