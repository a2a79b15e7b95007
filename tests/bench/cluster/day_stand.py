"""Airflow's scheduler with its launcher, Postgres and a ledger, before a cluster of Karpenter's.

As `alone.py`, with nodes that Karpenter buys. Jobs with their sizes and places, and the priority
classes, are those of the chart with the values of k8s/eks.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING, Any

from tests.bench.cluster.alone import MARK, NAMESPACE, chart_settings
from tests.bench.cluster.karpenter_plane import KarpenterPlane
from tests.bench.cluster.stand import Stand
from tests.chart.rendering import of_kind, render
from tests.launcher.airflow_home import AirflowHome, eventually
from tests.postgres_server import running_postgres

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["DayStand"]

HERE = Path(__file__).parent
COMMAND = "from stationmaster.cli import main; main()"


class DayStand(Stand):
    """Run it; a context manager.

    Args:
        dag_file: Of day_dags.
        pools: Merge patches of NodePools, by their names.
        values: Of the chart, over those of k8s/eks: helm's `--set=…`.
    """

    def __init__(
        self,
        dag_file: str,
        pools: dict[str, dict[str, Any]] | None = None,
        values: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._dag_file = dag_file
        self._pools = pools
        self._values = values
        self.plane: KarpenterPlane
        self.ledger_uri = ""

    def trigger(self, dag_id: str, conf: Mapping[str, Any]) -> str:
        """Start a run, and return its id."""
        return str(self._home.call("trigger", dag_id=dag_id, conf=conf))

    def command(self, *arguments: str) -> dict[str, Any]:
        """Return what a `stationmaster …` command says of the ledger, as it prints it."""
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, *arguments],
            env={**os.environ, "STATIONMASTER_LEDGER_URI": self.ledger_uri},
            capture_output=True,
            text=True,
            check=True,
        )
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def _start(self) -> None:
        folder = Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="day-")))
        folder.chmod(0o755)  # Postgres is another user
        plane = KarpenterPlane(folder / "control-plane", self._pools)
        self.plane = self._open.enter_context(plane)
        self.plane.kubectl("create", "namespace", NAMESPACE)
        chart = render("eks-cluster", *self._values)
        classes = list(of_kind(chart, "PriorityClass").values())
        items = {"apiVersion": "v1", "kind": "List", "items": classes}
        self.plane.kubectl("apply", "-f", "-", text=json.dumps(items))
        catalog = folder / "catalog.yaml"
        text = of_kind(chart, "ConfigMap")["stationmaster-catalog"]["data"]["catalog.yaml"]
        catalog.write_text(text, encoding="utf-8")
        postgres = self._open.enter_context(running_postgres())
        self.ledger_uri = postgres.new_database()
        dags = folder / "dags"
        dags.mkdir()
        copyfile(HERE / "day_dags" / self._dag_file, dags / self._dag_file)
        variables = {
            **chart_settings(),
            "KUBECONFIG": str(self.plane.kubeconfig),
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
            "STATIONMASTER_CATALOG_FILE": str(catalog),
            "STATIONMASTER_URGENT_PRIORITY_CLASS": "stationmaster-urgent",
            "STATIONMASTER_STEPS_NAMESPACE": NAMESPACE,
            "STATIONMASTER_LEDGER_URI": self.ledger_uri,
        }
        self._home = AirflowHome(folder / "airflow", postgres.new_database(), variables)
        self._open.callback(self._home.close)
        self._home.call("sync", path=self._dag_file)
        self._home.launcher(self._home.scheduler())
        log = self._home.folder / "scheduler.log"
        eventually(lambda: MARK in log.read_text("utf-8", "replace"), seconds=300)
