"""An Airflow scheduler with its launcher and Postgres, before a control plane of its own.

No dag-processor, api-server or triggerer runs: none of them has a part in a step that the launcher
lives. Airflow's scheduler settings are those of the chart.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING, Any

import psutil

from tests.bench.cluster.control_plane import ControlPlane
from tests.bench.cluster.stand import Stand
from tests.cluster.place import ROOT
from tests.launcher.airflow_home import AirflowHome
from tests.postgres_server import running_postgres

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MARK", "NAMESPACE", "Alone", "chart_settings"]

HERE = Path(__file__).parent
POOL = "bench_simulated"
POOL_SLOTS = 20_000
NAMESPACE = "stationmaster-steps"
MARK = "Launcher figures: "
TEMPLATE = ROOT / "charts" / "stationmaster" / "templates" / "airflow" / "_airflow.tpl"
JOB = {
    "name": "empty-step",
    "summary": "Does nothing.",
    "owner": "bench",
    "size": "xs",
    "timeout_minutes": 60,
    "command": ["true"],
}


class Alone(Stand):
    """Run it; a context manager.

    Args:
        dags: How many pipelines there are.
        steps: In each of them.
        settings: Environment of the scheduler, over the chart's own.
    """

    def __init__(self, dags: int, steps: int, settings: Mapping[str, str]) -> None:
        super().__init__()
        self._counts = {"dags": dags, "steps": steps}
        self._settings = {**chart_settings(), **settings}

    def trigger(self, number: int, seconds: float) -> str:
        """Start a run whose steps take that long, and return its id."""
        dag_id = f"bench_simulated_{number % self._counts['dags']:02d}"
        return str(self._home.call("trigger", dag_id=dag_id, conf={"seconds": seconds}))

    def cpu_seconds(self) -> dict[str, float]:
        """Return the CPU seconds that each part has used so far."""
        return {name: _cpu_seconds(process) for name, process in self._parts.items()}

    def launcher_mib(self) -> dict[str, float]:
        """Return the launcher's memory now: resident, and without what it shares."""
        memory = self._parts["launcher"].memory_full_info()
        return {
            "resident": round(memory.rss / 2**20, 1),
            "own": round(memory.uss / 2**20, 1),
        }

    def figures(self) -> dict[str, Any]:
        """Return what the launcher last wrote of itself into its log."""
        text = (self._home.folder / "scheduler.log").read_text(encoding="utf-8", errors="replace")
        lines = [line for line in text.splitlines() if MARK in line]
        if not lines:
            return {"steps": 0, "requests": {}}
        _, _, rest = lines[-1].partition(MARK)
        found: dict[str, Any] = json.JSONDecoder().raw_decode(rest)[0]
        return found

    def _start(self) -> None:
        folder = Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        folder.chmod(0o755)  # Postgres is another user
        plane = self._open.enter_context(ControlPlane(folder / "control-plane"))
        plane.kubectl("create", "namespace", NAMESPACE)
        plane.add_nodes(self._counts["dags"] * self._counts["steps"] // 250 + 2)
        postgres = self._open.enter_context(running_postgres())
        self._write_dags(folder)
        variables = {
            **self._settings,
            "KUBECONFIG": str(plane.kubeconfig),
            "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
            "STATIONMASTER_JOBS": str(folder / "jobs"),
            "STATIONMASTER_STEPS_NAMESPACE": NAMESPACE,
        }
        self._home = AirflowHome(folder / "airflow", postgres.new_database(), variables)
        self._open.callback(self._home.close)
        self._home.call("sync", path="bench_simulated.py")
        self._home.call("pool", name=POOL, slots=POOL_SLOTS)
        scheduler = self._home.scheduler()
        server = int((postgres.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        self._parts = {
            "launcher": self._home.launcher(scheduler),
            "scheduler": psutil.Process(scheduler.pid),
            "postgres": psutil.Process(server),
            **{name: psutil.Process(each.pid) for name, each in plane.processes.items()},
        }

    def _write_dags(self, folder: Path) -> None:
        dags, job = folder / "dags", folder / "jobs" / "empty-step"
        for each in (dags, job):
            each.mkdir(parents=True)
        copyfile(HERE / "simulated_dags" / "bench_simulated.py", dags / "bench_simulated.py")
        (dags / "simulated.json").write_text(json.dumps(self._counts), encoding="utf-8")
        (job / "job.yaml").write_text(json.dumps(JOB), encoding="utf-8")


def chart_settings() -> dict[str, str]:
    """Return what the chart sets of Airflow's scheduler."""
    text = TEMPLATE.read_text(encoding="utf-8")
    found = re.findall(r'^(AIRFLOW__SCHEDULER__\w+): "([^"{]*)"$', text, re.MULTILINE)
    return {name: value for name, value in found if name not in os.environ}


def _cpu_seconds(process: psutil.Process) -> float:
    """Return a process's CPU seconds; Postgres' with its sessions'."""
    times = process.cpu_times()
    used = times.user + times.system
    if process.name() == "postgres":
        used += times.children_user + times.children_system
        for child in process.children():
            with suppress(psutil.NoSuchProcess):  # its time is the server's by now
                own = child.cpu_times()
                used += own.user + own.system
    return float(used)
