"""Tables kept small and quick.

Every Sunday at 03:00 (on a cluster a CronJob of the chart does it, and this DAG runs when you
trigger it): expires old snapshots, removes files that no table refers to, and joins small files.
Readers and writers are not disturbed. Safe to run at any time, any number of times.
"""

from __future__ import annotations

import datetime as dt

from airflow.sdk import DAG

from stationmaster.airflow.operator import StepOperator
from stationmaster.airflow.schedules import first_run, maintenance_schedule

with DAG(
    "maintain_datasets",
    description="Keeps tables small and quick.",
    schedule=maintenance_schedule(),
    start_date=first_run(),
    catchup=False,
    max_active_runs=1,
    tags=["platform"],
    doc_md=__doc__,
    default_args={
        "owner": "platform",
        "retries": 2,
        "retry_delay": dt.timedelta(minutes=10),
        "retry_exponential_backoff": 2,
    },
):
    StepOperator(task_id="maintain_datasets", job="maintain-datasets")
