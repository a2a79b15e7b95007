"""Thirty steps in three layers of ten: each publishes one row, made from its upstream's row.

Parameters of a run: `mark` names the Iceberg namespace of the run's own; `seconds` is how long a
step works; `eat` and `lines` name steps that once take too much memory, or print lines of 1 MB;
`image` is the tag the steps run from, so that a drill can take it away.
"""

from __future__ import annotations

import datetime as dt

from airflow.sdk import DAG, Param
from kubernetes.client import models as k8s  # type: ignore[import-untyped]

from stationmaster.airflow.operator import StepOperator

WIDTH = 10
LAYERS = ("a", "b", "c")
FIRST_DAY = dt.date(2011, 1, 1)

# No name of a contract stands here: Airflow would take it for a template file, and run the step on
# a worker.
volume = k8s.V1Volume(
    name="drill", config_map=k8s.V1ConfigMapVolumeSource(name="stationmaster-drill")
)
mounts = [
    k8s.V1VolumeMount(
        name="drill", mount_path="/opt/drill/drill_step.py", sub_path="drill_step.py"
    ),
    k8s.V1VolumeMount(name="drill", mount_path="/opt/drill/contracts"),
]
resources = k8s.V1ResourceRequirements(
    requests={"cpu": "50m", "memory": "300Mi"}, limits={"memory": "300Mi"}
)

with DAG(
    "drill_30",
    schedule=None,
    start_date=dt.datetime(2011, 1, 1, tzinfo=dt.UTC),
    max_active_runs=4,
    max_active_tasks=64,
    params={
        "mark": Param("drill", type="string"),
        "seconds": Param(3, type="number"),
        "eat": Param([], type="array"),
        "lines": Param([], type="array"),
    },
    default_args={"retries": 2, "retry_delay": dt.timedelta(seconds=5), "retry_policy": None},
    tags=["drill"],
):
    above: StepOperator | None = None
    for number in range(WIDTH):
        above = None
        for layer in LAYERS:
            name = f"{layer}{number:02d}"
            upstream = LAYERS[LAYERS.index(layer) - 1] if above is not None else ""
            step = StepOperator(
                task_id=name,
                job=f"drill-{layer}",
                business_date=str(FIRST_DAY + dt.timedelta(days=number)),
                step_params={
                    "dataset": f"drill_{layer}",
                    "upstream": f"drill_{upstream}" if upstream else "",
                    "seconds": "{{ params.seconds }}",
                    "eat_mib": f"{{{{ 600 if '{name}' in params.eat else 0 }}}}",
                    "long_line_mib": f"{{{{ 3 if '{name}' in params.lines else 0 }}}}",
                },
                env_vars={"STATIONMASTER_NAMESPACE": "drill_{{ params.mark }}"},
                container_resources=resources,
                volumes=[volume],
                volume_mounts=mounts,
            )
            if above is not None:
                above >> step
            above = step
