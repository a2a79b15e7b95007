"""Thousands of steps on simulated nodes (KWOK): held at once, and one after the other.

KWOK plays the kubelet only: Airflow, the launcher, the API server and the pods in it are real,
and a simulated step ends with the last word of a real one (k8s/kind/kwok/step-done.yaml).
"""

from __future__ import annotations

import json
import math
import subprocess
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from tests.bench.cluster.platform_cpu import PlatformCpu
from tests.bench.cluster.usage import LauncherFigures, Usage
from tests.cluster.airflow_api import RunError
from tests.cluster.place import ROOT
from tests.cluster.testdags import FOLDERS, put_config_map

if TYPE_CHECKING:
    from tests.bench.cluster.usage import Use
    from tests.cluster.release import Release

__all__ = ["Simulated"]

PODS_A_NODE = 250
POOL = "bench_simulated"
POOL_SLOTS = 20_000
LOOK_SECONDS = 5.0
LONGEST_SECONDS = 1500.0
HERE = Path(__file__).parent

STATES = sa.text("select state, count(*) from task_instance where run_id like :mark group by state")
ENDS = sa.text(
    "select extract(epoch from start_date), extract(epoch from end_date) from task_instance"
    " where run_id like :mark and state = 'success' order by end_date"
)


class Simulated:
    """Measure one release with steps on simulated nodes; a measurement is a document."""

    def __init__(self, release: Release, dags: int, steps: int) -> None:
        self._release = release
        self._dags = dags
        self._steps = steps
        self._engine = sa.create_engine(release.database("airflow"), pool_pre_ping=True)

    def prepare(self) -> None:
        """Bring nodes, pool and DAGs onto the cluster; safe to run again."""
        nodes = math.ceil(self._dags * self._steps / PODS_A_NODE) + 2
        subprocess.run([ROOT / "k8s" / "kind" / "cluster", "simulate", str(nodes)], check=True)
        self._open_pool()
        self._install()
        for index in range(self._dags):
            self._release.airflow.wait_for_dag(_dag_id(index), seconds=300)

    def held(self, seconds: float) -> dict[str, Any]:
        """Hold all steps at once, each for that many seconds; what the launcher uses for it."""
        usage, figures = Usage(self._release.place), LauncherFigures(self._release.place)
        before, requests = usage.read(), figures.last()["requests"]
        platform = PlatformCpu(self._release.place)
        platform_before = platform.read()
        mark, count = self._start(self._dags, seconds), self._dags * self._steps
        looks = self._watch(mark, count, usage, before)
        platform_used = PlatformCpu.between(platform_before, platform.read())
        sent = _difference(figures.settled()["requests"], requests)
        full = [use for running, use in looks if running == count]
        most = max(running for running, _ in looks)
        after = looks[-1][1]
        return {
            "what": "held",
            "dags": self._dags,
            "steps": count,
            "held_most": most,
            "states": self._states(mark),
            "held_all_s": round(full[-1].at - full[0].at) if full else 0,
            "until_all_held_s": round(full[0].at - before.at) if full else None,
            "whole_s": round(after.at - before.at),
            "launcher_mib": {
                "before": before.resident_mib,
                "held": full[-1].resident_mib if full else None,
                "most": max(use.resident_mib for _, use in looks),
            },
            "cores_held": full[-1].cores_since(full[0]) if len(full) > 1 else None,
            "cores_whole": after.cores_since(before),
            "requests": sent,
            "requests_a_step": round(sum(sent.values()) / count, 2),
            "platform_cpu_s": platform_used,
        }

    def throughput(self, steps: int, seconds: float) -> dict[str, Any]:
        """Run that many steps of the given time; how many a second end, and who is busy."""
        usage, figures = Usage(self._release.place), LauncherFigures(self._release.place)
        runs = math.ceil(steps / self._steps)
        count = runs * self._steps
        before, requests = usage.read(), figures.last()["requests"]
        platform = PlatformCpu(self._release.place)
        platform_before = platform.read()
        mark = self._start(runs, seconds)
        looks = self._watch(mark, count, usage, before)
        platform_used = PlatformCpu.between(platform_before, platform.read())
        sent = _difference(figures.settled()["requests"], requests)
        with self._engine.connect() as connection:
            rows = [
                tuple(map(float, row)) for row in connection.execute(ENDS, {"mark": mark + "%"})
            ]
        ends = [end for _, end in rows]
        after = looks[-1][1]
        return {
            "what": "throughput",
            "steps": count,
            "step_seconds": seconds,
            "states": self._states(mark),
            "whole_s": round(after.at - before.at),
            "steps_a_second": round(len(ends) / (ends[-1] - min(start for start, _ in rows)), 2),
            "steps_a_second_middle": _middle_rate(ends),
            "cores": after.cores_since(before),
            "launcher_mib_most": max(use.resident_mib for _, use in looks),
            "requests": sent,
            "requests_a_step": round(sum(sent.values()) / count, 2),
            "platform_cpu_s": platform_used,
            "platform_cpu_s_a_step": round(platform_used["sum"] / count, 3),
        }

    def _open_pool(self) -> None:
        pool = {"name": POOL, "slots": POOL_SLOTS, "include_deferred": False}
        try:
            self._release.airflow.call("POST", "/api/v2/pools", json=pool)
        except RunError as error:
            if "409" not in str(error):
                raise

    def _install(self) -> None:
        """Add the DAGs to those of the tests, and have the kubelet look at once."""
        place = self._release.place
        files = [file for folder in FOLDERS for file in sorted((ROOT / folder).glob("*.py"))]
        with tempfile.TemporaryDirectory() as folder:
            counts = Path(folder) / "simulated.json"
            counts.write_text(json.dumps({"dags": self._dags, "steps": self._steps}), "utf-8")
            files += [*sorted((HERE / "simulated_dags").glob("*.py")), counts]
            put_config_map(place, place.namespace, "stationmaster-dags-extra", files)
        for component in ("dag-processor", "scheduler"):
            for pod in place.component(component):
                name = pod["metadata"]["name"]
                note = f"stationmaster.io/looked={int(time.time())}"
                place.kubectl("annotate", "pod", "-n", place.namespace, name, note, "--overwrite")

    def _start(self, runs: int, seconds: float) -> str:
        mark = f"sim-{uuid.uuid4().hex[:8]}-"
        for number in range(runs):
            dag_id, run_id = _dag_id(number % self._dags), f"{mark}{number:04}"
            self._release.airflow.trigger(dag_id, conf={"seconds": seconds}, run_id=run_id)
        return mark

    def _watch(self, mark: str, count: int, usage: Usage, first: Use) -> list[tuple[int, Use]]:
        """Look every few seconds until all have ended: how many run, and what was used."""
        looks = [(0, first)]
        while time.monotonic() - first.at < LONGEST_SECONDS:
            states = self._states(mark)
            looks.append((states.get("running", 0), usage.read()))
            if sum(states.get(name, 0) for name in ("success", "failed")) >= count:
                break
            time.sleep(LOOK_SECONDS)
        return looks

    def _states(self, mark: str) -> dict[str, int]:
        with self._engine.connect() as connection:
            rows = connection.execute(STATES, {"mark": mark + "%"})
            return {str(state): int(number) for state, number in rows}


def _dag_id(index: int) -> str:
    return f"bench_simulated_{index:02d}"


def _difference(after: dict[str, int], before: dict[str, int]) -> dict[str, int]:
    return {verb: number - before.get(verb, 0) for verb, number in after.items()}


def _middle_rate(ends: list[float]) -> float:
    """Return how many ended a second, without the first and the last tenth."""
    middle = ends[len(ends) // 10 : len(ends) - len(ends) // 10]
    return round((len(middle) - 1) / (middle[-1] - middle[0]), 2)
