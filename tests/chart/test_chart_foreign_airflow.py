"""The chart beside an Airflow that is not its own: only what steps need, and steps run.

The other Airflow is one of `drilled.py`, told by its environment of the steps' namespace and of the
catalog, as docs/chart.md says; it stands for the official chart's. Run by `make proof-chart`.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final

import pytest
import sqlalchemy as sa

from tests.chart.drilled import FULL, NAMESPACE, DrilledRelease
from tests.chart.rendering import CHART, ROOT, helm, values_file
from tests.chart.variants import platform_image
from tests.cluster.testdags import put_config_map

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.place import Place

pytestmark = [pytest.mark.cluster, pytest.mark.proof, pytest.mark.timeout(1200)]

HOME: Final = "chart-foreign"
STEPS: Final = "chart-foreign-steps"
RELEASE: Final = "foreign"
STEP: Final = "maintain_datasets"
VALUES: Final = {
    "storage": {"endpoint": f"http://{FULL}-seaweedfs.{NAMESPACE}.svc:8333"},
    "steps": {
        "namespace": STEPS,
        "launchers": [{"name": f"{FULL}-scheduler", "namespace": NAMESPACE}],
    },
}
TOLD: Final = (
    f"airflow.environment.STATIONMASTER_STEPS_NAMESPACE={STEPS}",
    "airflow.environment.STATIONMASTER_CATALOG_FILE=/opt/stationmaster/extra-dags/catalog.yaml",
)


@pytest.fixture(name="attempts", scope="module")
def _attempts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[dict[str, Any]]]:
    """Run a step by the other Airflow; yield its attempts as the ledger has them."""
    folder = tmp_path_factory.mktemp("foreign")
    with DrilledRelease() as drilled:
        remove(drilled.place)
        drilled.upgrade(platform_image(), *TOLD)
        install(drilled.place, folder)
        try:
            drilled.run(STEP)
            engine = sa.create_engine(drilled.release.database("ledger"))
            with engine.connect() as connection:
                rows = connection.execute(sa.text("SELECT * FROM attempt")).mappings().all()
            yield [dict(row) for row in rows]
        finally:
            remove(drilled.place)


def install(place: Place, folder: Path) -> None:
    """Install the chart without an Airflow, and bring its catalog to the other one."""
    for name in (HOME, STEPS):
        place.kubectl("create", "namespace", name)
    made = place.get("secret", "stationmaster-step", "-n", f"{NAMESPACE}-steps")["data"]
    keys = {key: base64.b64decode(value).decode() for key, value in made.items()}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "stationmaster-catalog"}}
    text = json.dumps({**secret, "stringData": keys})
    place.kubectl("apply", "-n", STEPS, "-f", "-", text=text)
    values = folder / "values.yaml"
    values.write_text(json.dumps(VALUES), encoding="utf-8")
    files = [values_file("foreign-airflow"), ROOT / "build" / "images.values.yaml", values]
    done = helm(
        "install", RELEASE, str(CHART), f"--namespace={HOME}", "--set=steps.createNamespace=false",
        *[f"--values={file}" for file in files], f"--kubeconfig={place.kubeconfig}", "--wait",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    there = place.get("configmap", f"{RELEASE}-stationmaster-catalog", "-n", HOME)["data"]
    catalog = folder / "catalog.yaml"
    catalog.write_text(there["catalog.yaml"], encoding="utf-8")
    dags = sorted((ROOT / "tests" / "chart" / "dags").glob("*.py"))
    put_config_map(place, NAMESPACE, "chart-drill-dags", [*dags, catalog])


def remove(place: Place) -> None:
    """Take the release and its namespaces away."""
    config = f"--kubeconfig={place.kubeconfig}"
    helm("uninstall", RELEASE, f"--namespace={HOME}", "--ignore-not-found", "--wait", config)
    for name in place.kubectl("get", "pods", "-n", STEPS, "-o", "name").split():
        patch = '{"metadata": {"finalizers": null}}'
        place.kubectl("patch", name, "-n", STEPS, "--type=merge", "-p", patch)
    place.kubectl("delete", "namespace", HOME, STEPS, "--ignore-not-found", seconds=240)


def test_a_step_of_another_airflow_runs_where_the_chart_says(
    attempts: list[dict[str, Any]],
) -> None:
    """Its pod was in the chart's namespace, was let start by the chart's role, and did its work."""
    (attempt,) = attempts
    assert attempt["namespace"] == STEPS
    assert attempt["verdict"] == "succeeded"
    assert attempt["job"] == "maintain-datasets"
