"""One step that is sized by the ledger: it publishes a row of a day, and declares far too much.

Parameters of a run: `mark` names the Iceberg namespace of the run's own.
"""

from __future__ import annotations

import datetime as dt

from airflow.sdk import DAG, Param
from kubernetes.client import models as k8s  # type: ignore[import-untyped]

from stationmaster.airflow.operator import StepOperator

volume = k8s.V1Volume(
    name="drill", config_map=k8s.V1ConfigMapVolumeSource(name="stationmaster-drill")
)
mounts = [
    k8s.V1VolumeMount(
        name="drill", mount_path="/opt/drill/drill_step.py", sub_path="drill_step.py"
    ),
    k8s.V1VolumeMount(name="drill", mount_path="/opt/drill/contracts"),
]

with DAG(
    "sized_probe",
    schedule=None,
    start_date=dt.datetime(2011, 1, 1, tzinfo=dt.UTC),
    params={"mark": Param("sizes", type="string")},
    tags=["drill"],
):
    StepOperator(
        task_id="publish",
        job="drill-a",
        size="s",
        business_date="2011-01-01",
        step_params={"dataset": "drill_a", "seconds": 2},
        env_vars={"STATIONMASTER_NAMESPACE": "drill_{{ params.mark }}"},
        volumes=[volume],
        volume_mounts=mounts,
    )
