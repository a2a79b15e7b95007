"""DAGs of steps that need a worker, from the start or for their end."""

from __future__ import annotations

import datetime as dt
import os
import signal
import time
from typing import TYPE_CHECKING

from airflow.sdk import DAG

from stationmaster.airflow.operator import StepOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


def one(context: Context) -> int:
    """Return a number of shards, by code."""
    del context
    return 1


def one_where_workers_die(context: Context) -> int:
    """Return it as well, but kill the worker that asks first (its supervisor, with SIGKILL)."""
    marker = f"{os.environ['AIRFLOW_HOME']}/died-{context['ti'].id}"
    if not os.path.exists(marker):  # noqa: PTH110 (a path of this one try)
        with open(marker, "w"):  # noqa: PTH123 (as above)
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(60)
    return 1


with DAG("workers_busy", schedule=None, start_date=LONG_AGO):
    for number in range(2):
        StepOperator(
            task_id=f"long{number}", job="probe", step_params={"seconds": 40}, shards=one, retries=0
        )
    StepOperator(
        task_id="broken", job="probe", step_params={"exit_code": 65, "seconds": 10}, retries=0
    )

with DAG("worker_dies", schedule=None, start_date=LONG_AGO):
    StepOperator(
        task_id="only",
        job="probe",
        step_params={"seconds": 1},
        shards=one_where_workers_die,
        retries=0,
    )

with DAG("worker_long", schedule=None, start_date=LONG_AGO):
    StepOperator(task_id="only", job="probe", step_params={"seconds": 300}, shards=one, retries=0)

with DAG("closed", schedule=None, start_date=LONG_AGO):
    StepOperator(task_id="only", job="probe", pool="closed", retries=0)
