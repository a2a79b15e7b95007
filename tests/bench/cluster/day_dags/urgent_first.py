"""What fills a cluster, what must not be moved, and what is urgent: a run's conf says how much."""

from __future__ import annotations

import datetime as dt

from airflow.sdk import DAG

from stationmaster.airflow.operator import StepOperator


def pipeline(dag_id: str, job: str, *, urgent: bool = False) -> DAG:
    """Return a pipeline of one step; a run's conf has its `shards` and `seconds`."""
    with DAG(
        dag_id,
        schedule=None,
        start_date=dt.datetime(2011, 1, 1, tzinfo=dt.UTC),
        default_args={"urgent": urgent},
        tags=["bench"],
    ) as dag:
        StepOperator(
            task_id="step",
            job=job,
            business_date="2011-11-21",
            shards="{{ dag_run.conf['shards'] }}",
            annotations={"kwok.x-k8s.io/step-seconds": "{{ dag_run.conf['seconds'] }}s"},
        )
    return dag


fill = pipeline("urgent_fill", "extract-app")
steady = pipeline("urgent_steady", "extract-delivery")
recall = pipeline("urgent_recall", "extract-web", urgent=True)
