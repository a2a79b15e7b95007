"""A launcher that the test itself commands, where the scheduler would."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from tests.launcher.airflow_home import AirflowHome

__all__ = ["BareLauncher"]

ROW = """SELECT id, dag_version_id, task_id, dag_id, run_id, try_number, map_index, pool_slots,
queue, priority_weight FROM task_instance WHERE run_id = :run AND task_id = :task"""


class BareLauncher:
    """Start a launcher on an Airflow's database; a context manager that ends it."""

    def __init__(self, airflow: AirflowHome) -> None:
        self._airflow = airflow
        self._reports: queue.Queue[dict[str, Any]] = queue.Queue()
        self.process: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        log = (self._airflow.folder / "bare-launcher.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "stationmaster.airflow.launcher", str(os.getpid())],
            env=self._airflow.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )
        log.close()
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def order(self, run_id: str, task_id: str, give_up: str = "") -> str:
        """Order a task instance; return its id."""
        (row,) = self._airflow.rows(ROW, run=run_id, task=task_id)
        told = {name: str(each) if name.endswith("id") else each for name, each in row.items()}
        path = f"run_id={run_id}/task_id={task_id}/attempt={max(row['try_number'], 1)}.log"
        order = {"kind": "order", "ti": told, "log_path": path, "give_up": give_up}
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        self.process.stdin.flush()
        return str(row["id"])

    def report(self, seconds: float = 60) -> dict[str, Any]:
        """Return its next report of a task instance."""
        return self._reports.get(timeout=seconds)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            report = json.loads(line)
            if report["kind"] != "ready":
                self._reports.put(report)
