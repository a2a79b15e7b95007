"""Steps whose pods go to simulated nodes (KWOK): a run's `seconds` say how long each runs there.

How many DAGs there are, and steps in each, stands in simulated.json beside this file.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

from airflow.sdk import DAG
from kubernetes.client import models as k8s  # type: ignore[import-untyped]

from stationmaster.airflow.operator import StepOperator

COUNTS = json.loads(Path(__file__).with_name("simulated.json").read_text(encoding="utf-8"))
NODE = "kwok.x-k8s.io/node"


def pipeline(dag_id: str, steps: int) -> DAG:
    """Return a DAG of that many steps side by side."""
    with DAG(
        dag_id,
        schedule=None,
        start_date=dt.datetime(2011, 1, 1, tzinfo=dt.UTC),
        max_active_tasks=steps,
        max_active_runs=1000,
        tags=["bench"],
    ) as dag:
        for number in range(steps):
            StepOperator(
                task_id=f"t{number:03d}",
                job="empty-step",
                business_date="2011-11-21",
                pool="bench_simulated",
                node_selector={NODE: "simulated"},
                tolerations=[k8s.V1Toleration(key=NODE, operator="Exists", effect="NoSchedule")],
                annotations={"kwok.x-k8s.io/step-seconds": "{{ dag_run.conf.get('seconds', 1) }}s"},
                container_resources=k8s.V1ResourceRequirements(
                    requests={"cpu": "10m", "memory": "16Mi"}, limits={"memory": "64Mi"}
                ),
            )
    return dag


for index in range(COUNTS["dags"]):
    name = f"bench_simulated_{index:02d}"
    globals()[name] = pipeline(name, COUNTS["steps"])
