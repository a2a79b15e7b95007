"""A whole Airflow of its own in a folder: scheduler, Postgres, api-server where it is needed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["AirflowHome", "eventually"]

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
EXECUTORS = (
    "stationmaster.airflow.workers.FewWorkersExecutor",
    "stationmaster.airflow.executor.StepExecutor",
)


class AirflowHome:
    """Hold one Airflow; everything it starts ends with `close`."""

    def __init__(self, folder: Path, database: str, variables: Mapping[str, str]) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.port = _free_port()
        self.log_port = _free_port()
        database = database.replace("postgresql://", "postgresql+psycopg2://")
        self.scheduler_process: subprocess.Popen[Any]
        self._api: subprocess.Popen[Any] | None = None
        self._engine = sa.create_engine(database)
        self._processes: list[subprocess.Popen[Any]] = []
        self.environment = {
            **os.environ,
            **_settings(folder, database, self.port, self.log_port),
            **variables,
        }
        self._driver = self._start(
            [sys.executable, str(HERE / "airflow_driver.py")],
            "driver",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._read()

    def call(self, command: str, /, **arguments: object) -> Any:  # noqa: ANN401 (each has its own)
        """Have the driver do something (see airflow_driver.py), and return its answer."""
        assert self._driver.stdin is not None
        self._driver.stdin.write((json.dumps([command, arguments]) + "\n").encode())
        self._driver.stdin.flush()
        return self._read()

    def scheduler(self) -> subprocess.Popen[Any]:
        """Start a scheduler."""
        return self._start([sys.executable, "-m", "airflow", "scheduler"], "scheduler")

    def api_server(self) -> subprocess.Popen[Any]:
        """Start an api-server, unless one runs: workers speak to it."""
        if self._api is not None and self._api.poll() is None:
            return self._api
        command = [sys.executable, "-m", "airflow", "api-server", "--port", str(self.port)]
        process = self._start([*command, "--workers", "1"], "api-server")
        eventually(self._api_answers, seconds=300)
        self._api = process
        return process

    def rows(self, statement: str, **values: object) -> list[dict[str, Any]]:
        """Return what a statement selects from Airflow's database."""
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(sa.text(statement), values).mappings()]

    def change(self, statement: str, **values: object) -> None:
        """Run a statement in Airflow's database."""
        with self._engine.begin() as connection:
            connection.execute(sa.text(statement), values)

    def states(self, run_id: str) -> dict[str, str | None]:
        """Return the states of a run's tasks; mapped ones as `task[index]`."""
        rows = self.rows(
            "SELECT task_id, map_index, state FROM task_instance WHERE run_id = :run", run=run_id
        )
        return {_label(row["task_id"], row["map_index"]): row["state"] for row in rows}

    def run_state(self, run_id: str) -> str:
        """Return the state of a run."""
        (row,) = self.rows("SELECT state FROM dag_run WHERE run_id = :run", run=run_id)
        return str(row["state"])

    def ended(self, run_id: str, *, seconds: float = 120) -> str:
        """Return the state of a run once it has ended."""
        eventually(lambda: self.run_state(run_id) in {"success", "failed"}, seconds=seconds)
        return self.run_state(run_id)

    def log_of(self, run_id: str, task_id: str, attempt: int = 1) -> str:
        """Return the text of a task's log file."""
        files = sorted(
            (self.folder / "logs").glob(f"**/run_id={run_id}/task_id={task_id}/**/*.log")
        )
        return "\n".join(each.read_text() for each in files if f"attempt={attempt}" in each.name)

    def log_says(self, sentence: str, run_id: str, task_id: str) -> None:
        """Wait until a task's log holds a sentence: the platform's lines follow what they tell."""
        eventually(lambda: sentence in self.log_of(run_id, task_id), seconds=30)

    def launcher(self, scheduler: subprocess.Popen[Any]) -> psutil.Process:
        """Return a scheduler's launcher process."""
        found: list[psutil.Process] = []

        def there() -> bool:
            found[:] = [
                child
                for child in psutil.Process(scheduler.pid).children()
                if "stationmaster.airflow.launcher" in " ".join(child.cmdline())
            ]
            return bool(found)

        eventually(there, seconds=60)
        return found[0]

    def close(self) -> None:
        """End all processes."""
        for process in reversed(self._processes):
            _end(process)
        self._engine.dispose()

    def _start(self, command: list[str], name: str, **pipes: int) -> subprocess.Popen[Any]:
        log = (self.folder / f"{name}.log").open("ab")
        process: subprocess.Popen[Any] = subprocess.Popen(
            command,
            env=self.environment,
            cwd=self.folder,
            stdin=pipes.get("stdin"),
            stdout=pipes.get("stdout", log),
            stderr=log,
        )
        log.close()
        self._processes.append(process)
        return process

    def _read(self) -> Any:  # noqa: ANN401 (as above)
        assert self._driver.stdout is not None
        line = self._driver.stdout.readline()
        if not line:
            message = f"The driver ended: see {self.folder / 'driver.log'}"
            raise RuntimeError(message)
        return json.loads(line)

    def _api_answers(self) -> bool:
        try:
            url = f"http://127.0.0.1:{self.port}/api/v2/version"
            with urllib.request.urlopen(url, timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


def eventually(holds: Callable[[], bool], *, seconds: float) -> None:
    """Return as soon as something holds; fail when it does not in time."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, f"not within {seconds} s"
        time.sleep(0.1)


def _label(task_id: str, map_index: int) -> str:
    return task_id if map_index < 0 else f"{task_id}[{map_index}]"


def _end(process: subprocess.Popen[Any]) -> None:
    if process.poll() is not None:
        return
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGCONT)
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for child in children:
        if child.is_running():
            child.kill()


def _settings(folder: Path, database: str, port: int, log_port: int) -> dict[str, str]:
    return {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__DAGS_FOLDER": str(HERE / "dags"),
        "AIRFLOW__CORE__EXECUTOR": ",".join(EXECUTORS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__PARALLELISM": "2000",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": f"sqlite+aiosqlite:///{folder}/unused.db",
        "AIRFLOW__API__SECRET_KEY": "a-secret-of-tests-that-is-long-enough-for-hmac-keys-and-more!",
        "AIRFLOW__API_AUTH__JWT_SECRET": "a-secret-of-tests-that-is-long-enough-for-hmac-keys-too!",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(log_port),
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
        "AIRFLOW__SCHEDULER__MAX_TIS_PER_QUERY": "0",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "10",
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        "PYTHONWARNINGS": "ignore",
        "PYTHONPATH": str(ROOT),
        "STATIONMASTER_RUNTIME": "kubernetes",
        "STATIONMASTER_JOBS": str(HERE / "jobs"),
        "STATIONMASTER_HOME": str(folder / "stationmaster"),
        "STATIONMASTER_WORKERS": "2",
        "STATIONMASTER_POOLS_FILE": str(HERE / "pools.yaml"),
    }


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
