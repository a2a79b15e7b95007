"""The release's Airflow as a user sees it: a login, the REST API, runs and task instances."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from tests.cluster.forward import Forward

__all__ = ["AirflowApi", "RunError"]

ENDED = {"success", "failed"}
ANSWER_SECONDS = 30.0
PATIENCE_SECONDS = 240.0
"""How long the API may be away: drills kill it on purpose."""


class RunError(AssertionError):
    """A run did not end, or Airflow does not answer."""


class AirflowApi:
    """Speak to the api-server through a forward, with a token of a real login."""

    def __init__(self, forward: Forward, user: str, password: str) -> None:
        self._forward = forward
        self._login = {"username": user, "password": password}
        self._token = ""
        self._http = httpx.Client(timeout=ANSWER_SECONDS)

    def call(self, method: str, path: str, **more: Any) -> Any:  # noqa: ANN401 (JSON of any shape)
        """Call the API, again and again while it is away; return the JSON it answers.

        Raises:
            RunError: It refuses, or is away for too long.
        """
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = self._send(method, path, **more)
            except (httpx.HTTPError, ConnectionError) as error:
                problem = repr(error)
                self._forward.restart()
            else:
                if answer.is_success:
                    return answer.json() if answer.content else None
                problem = f"{answer.status_code} {answer.text[:500]}"
                if answer.status_code in {401, 403}:
                    self._token = ""
                elif answer.status_code < 500:
                    message = f"{method} {path}: {problem}"
                    raise RunError(message)
            if time.monotonic() > until:
                message = f"{method} {path}: expected an answer within minutes, got {problem}"
                raise RunError(message)
            time.sleep(1)

    def wait_for_dag(self, dag_id: str, *, seconds: float = 180) -> None:
        """Wait until a DAG is parsed, and unpause it.

        Raises:
            RunError: It did not come, with the import errors there are.
        """
        until = time.monotonic() + seconds
        while True:
            found = self.call("GET", "/api/v2/dags", params={"dag_id_pattern": dag_id})
            if any(dag["dag_id"] == dag_id for dag in found["dags"]):
                break
            if time.monotonic() > until:
                errors = self.call("GET", "/api/v2/importErrors")
                message = f"expected DAG {dag_id} after {seconds} s, got import errors: {errors}"
                raise RunError(message)
            time.sleep(2)
        self.call("PATCH", f"/api/v2/dags/{dag_id}", json={"is_paused": False})

    def trigger(
        self,
        dag_id: str,
        *,
        conf: Mapping[str, Any] | None = None,
        logical_date: dt.datetime | None = None,
        run_id: str | None = None,
    ) -> str:
        """Start a run and return its id; asking twice for one id starts one run."""
        run_id = run_id or f"test-{uuid.uuid4().hex[:10]}"
        body = {
            "dag_run_id": run_id,
            "logical_date": logical_date.isoformat() if logical_date else None,
            "conf": dict(conf or {}),
        }
        try:
            self.call("POST", f"/api/v2/dags/{dag_id}/dagRuns", json=body)
        except RunError as error:
            # The answer to a first request that did arrive may have been lost.
            if "409" not in str(error):
                raise
        return run_id

    def delete_runs(self, dag_id: str, logical_date: dt.datetime) -> None:
        """Delete the runs of a moment; what they published stays."""
        moment = logical_date.isoformat()
        bounds = {"logical_date_gte": moment, "logical_date_lte": moment}
        for run in self.call("GET", f"/api/v2/dags/{dag_id}/dagRuns", params=bounds)["dag_runs"]:
            self._delete_run(dag_id, run)

    def leave_alone(self, dag_id: str) -> None:
        """Pause a DAG and delete its runs that have not ended: the days nobody has data for."""
        self.call("PATCH", f"/api/v2/dags/{dag_id}", json={"is_paused": True})
        runs = f"/api/v2/dags/{dag_id}/dagRuns"
        for run in self.call("GET", runs, params={"limit": 100})["dag_runs"]:
            if run["state"] not in ENDED:
                self._delete_run(dag_id, run)

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """Return a run as the API shows it."""
        return dict(self.call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}"))

    def wait(
        self, dag_id: str, run_id: str, *, seconds: float = 600, every: float = 1.0
    ) -> dict[str, Any]:
        """Wait until a run has ended and return it.

        Raises:
            RunError: It did not end in time; the message names the states of its tasks.
        """
        until = time.monotonic() + seconds
        while True:
            run = self.run(dag_id, run_id)
            if run["state"] in ENDED:
                return run
            if time.monotonic() > until:
                states = {ti["task_id"]: ti["state"] for ti in self.tasks(dag_id, run_id)}
                message = f"{dag_id} {run_id}: expected its end within {seconds} s, got {states}"
                raise RunError(message)
            time.sleep(every)

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return the task instances of a run."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances"
        found: list[dict[str, Any]] = []
        while True:
            page = self.call("GET", path, params={"limit": 100, "offset": len(found)})
            found += page["task_instances"]
            if len(found) >= page["total_entries"] or not page["task_instances"]:
                return found

    def log(self, dag_id: str, run_id: str, task_id: str, try_number: int = 1) -> str:
        """Return a task's log as the UI shows it, as one text."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{try_number}"
        answer = self.call("GET", path, params={"full_content": True})
        return "\n".join(
            line if isinstance(line, str) else str(line.get("event", line))
            for line in _lines(answer["content"])
        )

    def _delete_run(self, dag_id: str, run: Mapping[str, Any]) -> None:
        """Delete a run; Airflow deletes none that has not ended."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run['dag_run_id']}"
        if run["state"] not in ENDED:
            self.call("PATCH", path, json={"state": "failed"})
        self.call("DELETE", path)

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401 (as above)
        root = f"http://{self._forward.address}"
        if not self._token:
            answer = self._http.post(f"{root}/auth/token", json=self._login)
            answer.raise_for_status()
            self._token = str(answer.json()["access_token"])
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        return self._http.request(method, root + path, headers=headers, **more)


def _lines(content: str | Sequence[Any]) -> Sequence[Any]:
    return content.splitlines() if isinstance(content, str) else content
