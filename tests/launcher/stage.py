"""A scheduler with its launcher, before a Kubernetes API of ours whose pods do as they are told."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from stationmaster.airflow.life.testing import FakeCluster, fails, succeeds
from stationmaster.step.protocol import CONTEXT_VARIABLE
from tests.launcher.airflow_home import AirflowHome
from tests.postgres_server import running_postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from stationmaster.airflow.life.testing.scripts import PodScript

__all__ = ["ClusterThread", "context_of_pod", "running_home"]

NAMESPACE = "stationmaster-steps"


def context_of_pod(pod: dict[str, Any]) -> dict[str, Any]:
    """Return what a pod's step is told."""
    for variable in pod["spec"]["containers"][0]["env"]:
        if variable["name"] == CONTEXT_VARIABLE:
            context: dict[str, Any] = json.loads(variable["value"])
            return context
    raise AssertionError(pod)


def script(pod: dict[str, Any]) -> PodScript:
    """Return what becomes of a pod: parameters seconds and exit_code."""
    context = context_of_pod(pod)
    seconds = float(context["params"].get("seconds", 0))
    code = int(context["params"].get("exit_code", 0))
    if code:
        error = {"kind": "ToyError", "message": "as told"}
        message = json.dumps({"protocol": 1, "status": "failed", "error": error})
        return fails(code, seconds=seconds, message=message)
    output = {"dataset": "greetings", "business_date": context["business_date"]}
    output |= {"rows": 3, "snapshot_id": 42}
    message = json.dumps({"protocol": 1, "status": "done", "outputs": [output]})
    return succeeds(seconds, message)


class ClusterThread:
    """Run a FakeCluster in a thread of its own; a context manager."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        """All pods ever created, in order."""
        self.fake = FakeCluster(self._script)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.fake.start(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self.fake.__aexit__(None, None, None), self._loop).result(
            10
        )
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _script(self, pod: dict[str, Any]) -> PodScript:
        self.told.append(pod)
        return script(pod)

    def pods(self, **wanted: object) -> list[dict[str, Any]]:
        """Return the pods there are whose contexts have these values (run_id=…, step=…)."""
        return [
            pod
            for pod in list(self.fake.objects.pods.values())
            if wanted.items() <= context_of_pod(pod).items()
        ]

    def call(self, act: Callable[..., object], *arguments: object) -> None:
        """Do something to the cluster in its own thread."""

        async def acting() -> None:
            act(*arguments)

        asyncio.run_coroutine_threadsafe(acting(), self._loop).result(10)

    def running(self, **wanted: object) -> int:
        """Return how many of them run."""
        phases = [pod["status"].get("phase") for pod in self.pods(**wanted)]
        return phases.count("Running")

    def created(self, job: str = "probe") -> list[str]:
        """Return the names of all pods ever created, in order."""
        return [name for name in self.fake.created if name.startswith(f"{job}-")]


@contextmanager
def running_home(
    folder: Path, cluster: ClusterThread, settings: Mapping[str, str] | None = None
) -> Iterator[AirflowHome]:
    """Hold an Airflow on a Postgres of its own, before a cluster; no scheduler runs yet."""
    with running_postgres() as postgres:
        ledger = postgres.new_database().replace("postgresql://", "postgresql+psycopg2://")
        variables = {
            "STATIONMASTER_KUBERNETES_URL": cluster.fake.url,
            "STATIONMASTER_LEDGER_URI": ledger,
            **(settings or {}),
        }
        running = AirflowHome(folder, postgres.new_database(), variables)
        try:
            running.call("sync", path="probes.py")
            yield running
        finally:
            running.close()
