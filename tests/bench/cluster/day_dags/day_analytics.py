"""An hour of the proof's day, shaped like morning_analytics: extracts in shards, merge, report.

A run's conf says in how many shards each step is split, and how long a shard of it works.
"""

from __future__ import annotations

import datetime as dt

from airflow.sdk import DAG

from stationmaster.airflow.operator import StepOperator

JOBS = {
    "extract_web": "extract-web",
    "extract_app": "extract-app",
    "merge_customers": "merge-customers",
    "report_morning": "report-morning",
}


def step(task_id: str) -> StepOperator:
    """Return a step of as many shards as the run says, each as long as it says."""
    told = f"dag_run.conf['{task_id}']"
    return StepOperator(
        task_id=task_id,
        job=JOBS[task_id],
        business_date="2011-11-21",
        shards=f"{{{{ {told}['shards'] }}}}",
        annotations={
            "kwok.x-k8s.io/step-seconds": f"{{{{ {told}['seconds'] }}}}s",
            "kwok.x-k8s.io/step-seconds-at-most": f"{{{{ {told}['at_most'] }}}}s",
        },
    )


with DAG(
    "day_analytics",
    schedule=None,
    start_date=dt.datetime(2011, 1, 1, tzinfo=dt.UTC),
    max_active_runs=16,
    tags=["bench"],
):
    merge = step("merge_customers")
    [step("extract_web"), step("extract_app")] >> merge >> step("report_morning")
