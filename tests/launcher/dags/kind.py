"""Steps for a real cluster: an image with Python, and the step contract by hand."""

from __future__ import annotations

import datetime as dt
import os
from typing import Any

from airflow.sdk import DAG
from kubernetes.client import V1ResourceRequirements  # type: ignore[import-untyped]

from stationmaster.airflow.operator import StepOperator

SCRIPT = """
import json, os, sys, time
context = json.loads(os.environ["STATIONMASTER_CONTEXT"])
params = context["params"]
time.sleep(float(params.get("seconds", 0)))
code = int(params.get("exit_code", 0))
output = {"dataset": "greetings", "business_date": context["business_date"], "rows": 3,
          "snapshot_id": 42}
error = {"kind": "ToyError", "message": "as told"}
document = {"status": "failed", "error": error} if code else {"status": "done", "outputs": [output]}
with open("/dev/termination-log", "w") as file:
    json.dump({"protocol": 1, **document}, file)
sys.exit(code)
"""
IMAGE = os.environ.get("STATIONMASTER_TEST_IMAGE", "stationmaster/base:early")
SMALL = {"cpu": "20m", "memory": "64Mi"}


PROBE: dict[str, Any] = {
    "job": "probe",
    "image": IMAGE,
    "cmds": ["python3", "-c", SCRIPT],
    "container_resources": V1ResourceRequirements(requests=SMALL, limits={"memory": "64Mi"}),
}


def probe(task_id: str, **arguments: Any) -> StepOperator:  # noqa: ANN401 (of StepOperator)
    """Return a step that does as its parameters say."""
    return StepOperator(task_id=task_id, **PROBE, **arguments)


LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)

with DAG("kind", schedule=None, start_date=LONG_AGO):
    probe("hello", step_params={"name": "{{ ds }}"})

with DAG("kind_fails", schedule=None, start_date=LONG_AGO):
    probe("broken", step_params={"exit_code": 65}, retries=2)
    probe("again", step_params={"exit_code": 7}, retries=1, retry_delay=dt.timedelta(seconds=1))
    probe("skipped", step_params={"exit_code": 99}, skip_on_exit_code=99)
    probe("slow", step_params={"seconds": 60}, execution_timeout=dt.timedelta(seconds=8), retries=0)

with DAG("kind_slow", schedule=None, start_date=LONG_AGO):
    probe("slow", step_params={"seconds": "{{ dag_run.conf.get('seconds', 40) }}"})

with DAG("kind_mapped", schedule=None, start_date=LONG_AGO):
    StepOperator.partial(
        task_id="several", retries=1, map_index_template="{{ task.step_params['name'] }}", **PROBE
    ).expand(
        step_params=[
            *({"name": f"{number} of {{{{ ds }}}}", "seconds": 8} for number in range(5)),
            {"name": "broken", "exit_code": 65},
        ]
    )
