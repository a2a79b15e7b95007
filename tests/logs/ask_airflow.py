"""Answer for a real Airflow on sqlite, with our logging class: one JSON request and answer a line.

A process of its own: Airflow reads its logging class once, when it is imported.
"""

# ruff: noqa: PLC0415 (Airflow prints when it is imported: not before stdout is put aside)

from __future__ import annotations

import json
import os
import sys
from typing import IO, TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from starlette.testclient import TestClient

DAG_ID = "pages"
TASK_ID = "noisy"
LOGICAL_DATE = "2011-11-22T06:00:00+00:00"


class Airflow:
    """Make a database with one task instance, and ask the public API for its log."""

    def __init__(self) -> None:
        from airflow.api_fastapi.app import create_app
        from starlette.testclient import TestClient

        self.try_id, self.run_id, self.log_path = self._make()
        self._client: TestClient = TestClient(create_app(apps="core"))
        self._client.__enter__()
        token = self._client.get("/auth/token").json()["access_token"]
        self._headers = {"Authorization": f"Bearer {token}"}

    def _make(self) -> tuple[str, str, str]:
        import datetime as dt

        from airflow.dag_processing.bundles.manager import DagBundlesManager
        from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
        from airflow.providers.standard.operators.empty import EmptyOperator
        from airflow.sdk import DAG
        from airflow.utils.db import initdb

        initdb()
        first = dt.datetime(2011, 1, 1, tzinfo=dt.UTC)
        with DAG(DAG_ID, schedule="0 6 * * *", start_date=first) as dag:
            EmptyOperator(task_id=TASK_ID)
        DagBundlesManager().sync_bundles_to_db()  # type: ignore[no-untyped-call]
        bag = DagBag(dag_folder=os.devnull)
        bag.bag_dag(dag)
        sync_bag_to_db(bag, "dags-folder", None)
        run = dag.test(logical_date=dt.datetime.fromisoformat(LOGICAL_DATE))
        ti = run.get_task_instances()[0]
        path = f"dag_id={DAG_ID}/run_id={run.run_id}/task_id={TASK_ID}/attempt={ti.try_number}.log"
        self._try_number = ti.try_number
        return str(ti.id), run.run_id, path

    def state(self, state: str) -> dict[str, Any]:
        """Set the task's state."""
        from airflow.models.taskinstance import TaskInstance
        from airflow.utils.session import create_session

        with create_session() as session:
            ti = session.get(TaskInstance, UUID(self.try_id))
            if ti is not None:
                ti.state = state
                ti.hostname = ""
        return {}

    def read(self, token: str = "", *, stream: bool = False) -> dict[str, Any]:
        """Return what the API gives of the log."""
        run = f"/api/v2/dags/{DAG_ID}/dagRuns/{self.run_id}"
        url = f"{run}/taskInstances/{TASK_ID}/logs/{self._try_number}"
        kind = "application/x-ndjson" if stream else "application/json"
        answer = self._client.get(
            url, params={"token": token} if token else {}, headers={**self._headers, "accept": kind}
        )
        answer.raise_for_status()
        if stream:
            return {"content": [json.loads(line) for line in answer.text.splitlines()]}
        return dict(answer.json())


def serve(requests: IO[str], answers: IO[str]) -> None:
    """Answer until there are no more requests."""
    airflow = Airflow()
    told = {"try_id": airflow.try_id, "log_path": airflow.log_path}
    answers.write(json.dumps(told) + "\n")
    answers.flush()
    for line in requests:
        request = json.loads(line)
        answer = getattr(airflow, request.pop("do"))(**request)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(sys.stdin, out)
