"""Steps for a real cluster: an image with Python, and the step contract by hand."""

from __future__ import annotations

import datetime as dt

from airflow.sdk import DAG

from stationmaster.airflow.operator import StepOperator

SCRIPT = """
import json, os, sys, time
context = json.loads(os.environ["STATIONMASTER_CONTEXT"])
params = context["params"]
time.sleep(params.get("seconds", 0))
output = {"dataset": "greetings", "business_date": context["business_date"], "rows": 3,
          "snapshot_id": 42}
with open("/dev/termination-log", "w") as file:
    json.dump({"protocol": 1, "status": "done", "outputs": [output]}, file)
sys.exit(params.get("exit_code", 0))
"""
IMAGE = "stationmaster/base:early"

with DAG("kind", schedule=None, start_date=dt.datetime(2020, 1, 1, tzinfo=dt.UTC)):
    StepOperator(
        task_id="hello",
        job="probe",
        image=IMAGE,
        cmds=["python3", "-c", SCRIPT],
        step_params={"name": "{{ ds }}"},
        container_resources=None,
    )
