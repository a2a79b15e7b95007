"""Pipelines that the monitoring drill breaks: out of memory, without a node, in a queue, paused.

Parameters of a run: `eat` is what the step takes, in MiB; `day` its business date.
"""

from __future__ import annotations

import datetime as dt

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Param
from kubernetes.client import models as k8s  # type: ignore[import-untyped]

from stationmaster.airflow.operator import StepOperator

FIRST_DAY = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
EAT = "import os, time; held = bytearray(b'x') * (int(os.environ['EAT_MIB']) << 20); time.sleep(2)"
CORES = {"eats": "10m", "starves": "64", "waits": "10m"}
"""No node has 64. Memory that no node has is asked for by nobody: a step is given what there is."""

for name, cores in CORES.items():
    with DAG(
        f"monitor_drill_{name}",
        schedule=None,
        start_date=FIRST_DAY,
        params={"eat": Param(0, type="integer"), "day": Param("2011-01-01", type="string")},
        default_args={"retries": 0, "retry_policy": None},
        tags=["drill"],
    ):
        StepOperator(
            task_id=f"step_{name}",
            execution_timeout=dt.timedelta(hours=1),  # of its wait for a node as well
            job="empty-step",
            business_date="{{ params.day }}",
            cmds=["python", "-c"],
            arguments=[EAT],
            env_vars={"EAT_MIB": "{{ params.eat }}"},
            container_resources=k8s.V1ResourceRequirements(
                requests={"cpu": cores, "memory": "64Mi"}, limits={"memory": "64Mi"}
            ),
        )

with DAG(
    "monitor_drill_paused",
    schedule="@daily",
    start_date=FIRST_DAY,
    catchup=False,
    max_active_runs=1,
    tags=["drill"],
):
    EmptyOperator(task_id="nothing")
