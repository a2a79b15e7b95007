"""Empty steps side by side, in a chain, as shards and mapped; ours and KubernetesPodOperator's."""

from __future__ import annotations

import datetime as dt
import os
from typing import TYPE_CHECKING, Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import DAG
from kubernetes.client import models as k8s  # type: ignore[import-untyped]

from stationmaster.airflow.catalog import find_job
from stationmaster.airflow.operator import StepOperator

if TYPE_CHECKING:
    from collections.abc import Callable

JOB = "empty-step"
DAY = "2011-11-21"
NAMESPACE = os.environ.get("STATIONMASTER_STEPS_NAMESPACE", "stationmaster-steps")
RESOURCES = k8s.V1ResourceRequirements(
    requests={"cpu": "10m", "memory": "16Mi"}, limits={"memory": "64Mi"}
)


def ours(task_id: str, shards: int = 1) -> StepOperator:
    """Return an empty step."""
    return StepOperator(
        task_id=task_id,
        job=JOB,
        business_date=DAY,
        container_resources=RESOURCES,
        shards=shards,
    )


def theirs(task_id: str, *, deferrable: bool) -> KubernetesPodOperator:
    """Return the same as a stock KubernetesPodOperator, its other arguments at their defaults."""
    return KubernetesPodOperator(
        task_id=task_id,
        image=find_job(JOB).image,
        cmds=["true"],
        namespace=NAMESPACE,
        in_cluster=True,
        deferrable=deferrable,
        labels={"bench": "kpo"},
        automount_service_account_token=False,
        container_resources=RESOURCES,
        security_context={
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        container_security_context={
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    )


def pipeline(dag_id: str, count: int, make: Callable[[str], Any], *, chain: bool = False) -> DAG:
    """Return a DAG of that many tasks, side by side or one after the other."""
    with DAG(
        dag_id,
        schedule=None,
        start_date=dt.datetime(2011, 1, 1, tzinfo=dt.UTC),
        max_active_tasks=256,
        tags=["bench"],
    ) as dag:
        before = None
        for number in range(count):
            task = make(f"t{number:03d}")
            if chain and before is not None:
                before >> task
            before = task
    return dag


PIPELINES = [
    *(pipeline(f"bench_ours_{count}", count, ours) for count in (1, 20, 50)),
    *(
        pipeline(f"bench_kpo_{count}", count, lambda name: theirs(name, deferrable=False))
        for count in (1, 20, 50)
    ),
    *(
        pipeline(f"bench_kpo_deferrable_{count}", count, lambda name: theirs(name, deferrable=True))
        for count in (1, 20, 50)
    ),
    pipeline("bench_chain_10", 10, ours, chain=True),
    pipeline("bench_shards_50", 1, lambda name: ours(name, shards=50)),
    pipeline(
        "bench_mapped_50",
        1,
        lambda name: StepOperator.partial(
            task_id=name, job=JOB, business_date=DAY, container_resources=RESOURCES
        ).expand(labels=[{"number": str(number)} for number in range(50)]),
    ),
]
for each in PIPELINES:
    globals()[each.dag_id] = each
