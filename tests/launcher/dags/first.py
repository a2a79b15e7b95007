"""One step, and a chain of two."""

from __future__ import annotations

import datetime as dt

from airflow.sdk import DAG

from stationmaster.airflow.operator import StepOperator

with DAG("first", schedule=None, start_date=dt.datetime(2020, 1, 1, tzinfo=dt.UTC)):
    StepOperator(task_id="hello", job="probe", step_params={"name": "{{ ds }}"})
