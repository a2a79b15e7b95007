"""What a step costs while a DAG file is parsed: making the operator, and serializing it.

Alternates pairs of DAGs of 50 steps in one process, ours on Kubernetes and stock
KubernetesPodOperator's with the same image and resources, and prints medians as JSON. Counts CPU
time. `first_ms` is a step of the first DAG of ours in the process, before anything is kept: a DAG
processor parses each file in a process of its own. `import_ms` is what importing StepOperator
costs beyond importing KubernetesPodOperator, once a file.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
PAIRS = 15
STEPS = 50
EXECUTORS = "LocalExecutor,stationmaster.airflow.executor.StepExecutor"


def environment(home: str) -> dict[str, str]:
    """Return the environment of a DAG processor on a cluster."""
    catalog = Path(home) / "catalog.yaml"
    job = {"image": "stationmaster/probe:1", "summary": "Waits.", "owner": "tests", "size": "xs"}
    catalog.write_text(json.dumps({"jobs": {f"probe-{n}": job for n in range(10)}}))
    return {
        "AIRFLOW_HOME": home,
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": EXECUTORS,
        "STATIONMASTER_RUNTIME": "kubernetes",
        "STATIONMASTER_CATALOG_FILE": str(catalog),
    }


def ours(task_id: str, number: int) -> object:
    """Return a step."""
    from stationmaster.airflow.operator import StepOperator  # noqa: PLC0415 (a process of its own)

    params = {"seconds": number, "day": "{{ ds }}"}
    return StepOperator(
        task_id=task_id,
        job=f"probe-{number % 10}",
        step_params=params,
        labels={"step": task_id},
    )


def theirs(task_id: str, number: int) -> object:
    """Return the same as a stock KubernetesPodOperator."""
    from airflow.providers.cncf.kubernetes.operators.pod import (  # noqa: PLC0415 (as above)
        KubernetesPodOperator,
    )
    from kubernetes.client import models as k8s  # type: ignore[import-untyped]  # noqa: PLC0415

    return KubernetesPodOperator(
        task_id=task_id,
        image="stationmaster/probe:1",
        cmds=["python", "-m", "probe"],
        arguments=[str(number), "{{ ds }}"],
        namespace="stationmaster-steps",
        labels={"step": task_id},
        container_resources=k8s.V1ResourceRequirements(
            requests={"cpu": "250m", "memory": "512Mi"}, limits={"memory": "512Mi"}
        ),
        security_context={"runAsNonRoot": True, "runAsUser": 10001},
    )


def milliseconds_a_step(make: Callable[[str, int], Any]) -> tuple[float, float]:
    """Return the CPU time of making a DAG's steps, and of serializing them, for one step."""
    from airflow.sdk import DAG  # noqa: PLC0415 (as above)
    from airflow.serialization.serialized_objects import DagSerialization  # noqa: PLC0415

    began = time.process_time()
    with DAG("parsed", schedule=None, start_date=dt.datetime(2011, 1, 1, tzinfo=dt.UTC)) as dag:
        for number in range(STEPS):
            make(f"step{number}", number)
    made = time.process_time()
    DagSerialization.to_dict(dag)
    ended = time.process_time()
    return (made - began) * 1000 / STEPS, (ended - made) * 1000 / STEPS


def measure() -> dict[str, object]:
    """Return the medians of all pairs."""
    milliseconds_a_step(theirs)  # imports
    began = time.process_time()
    import stationmaster.airflow.operator  # noqa: F401, PLC0415 (as above)

    imported = (time.process_time() - began) * 1000
    first = sum(milliseconds_a_step(ours))
    pairs = [(milliseconds_a_step(ours), milliseconds_a_step(theirs)) for _ in range(PAIRS)]
    document: dict[str, object] = {}
    for index, who in enumerate(("ours", "kpo")):
        parts = [pair[index] for pair in pairs]
        document[f"{who}_make_ms"] = round(statistics.median(made for made, _ in parts), 2)
        document[f"{who}_serialize_ms"] = round(statistics.median(text for _, text in parts), 2)
        document[f"{who}_ms"] = round(statistics.median(map(sum, parts)), 2)
    ratios = sorted(sum(mine) / sum(stock) for mine, stock in pairs)
    document |= {"ratio": round(statistics.median(ratios), 2), "first_ms": round(first, 2)}
    document["import_ms"] = round(imported, 1)
    document["ratio_spread"] = [round(ratios[0], 2), round(ratios[-1], 2)]
    return document | {"steps": STEPS, "pairs": PAIRS}


def main() -> int:
    """Measure in a process with a home of its own, and print."""
    if "--here" in sys.argv:
        sys.stdout.write(json.dumps(measure()) + "\n")
        return 0
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [sys.executable, __file__, "--here"],
            env=os.environ | environment(home),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # logs: their cost counts, a terminal's does not
            text=True,
            check=False,
        )
    sys.stdout.write(done.stdout.splitlines()[-1] + "\n" if done.stdout else "")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
