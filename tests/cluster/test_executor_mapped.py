"""Mapped steps on a real cluster, by a scheduler beside it: no worker, each pod once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.life_place import LifePlace, base_image, life_place
from tests.launcher.airflow_home import AirflowHome, eventually
from tests.postgres_server import running_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.place import Place

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

ROWS = """SELECT map_index, state, try_number, rendered_map_index FROM task_instance
WHERE run_id = :run ORDER BY map_index"""


@pytest.fixture(name="life", scope="module")
def _life(place: Place) -> Iterator[LifePlace]:
    with life_place(place) as found:
        account = ("serviceaccount", "stationmaster-step")
        found.place.kubectl("create", *account, "-n", found.namespace)
        yield found


@pytest.fixture(name="beside")
def _beside(life: LifePlace, tmp_path: Path) -> Iterator[AirflowHome]:
    variables = {
        "KUBECONFIG": str(life.place.kubeconfig),
        "STATIONMASTER_STEPS_NAMESPACE": life.namespace,
        "STATIONMASTER_TEST_IMAGE": base_image(),
    }
    with running_postgres() as postgres:
        running = AirflowHome(tmp_path, postgres.new_database(), variables)
        try:
            running.call("sync", path="kind.py")
            running.scheduler_process = running.scheduler()
            running.api_server()
            yield running
        finally:
            running.close()


def pods(life: LifePlace, run_id: str) -> list[dict[str, Any]]:
    """Return the pods of a run that there are."""
    found = life.place.pods("app.kubernetes.io/managed-by=stationmaster", life.namespace)
    return [pod for pod in found if run_id in str(pod["spec"]["containers"][0]["env"])]


def test_mapped_steps_outlive_their_launcher(life: LifePlace, beside: AirflowHome) -> None:
    """Five run on through a killed launcher, each with one pod; the sixth fails, untried again."""
    run = beside.call("trigger", dag_id="kind_mapped")
    seen: set[str] = set()

    def all_there() -> bool:
        seen.update(pod["metadata"]["uid"] for pod in pods(life, run))
        return len(seen) == 6

    eventually(all_there, seconds=120)
    beside.launcher(beside.scheduler_process).kill()
    assert beside.ended(run, seconds=240) == "failed"
    seen.update(pod["metadata"]["uid"] for pod in pods(life, run))
    assert len(seen) == 6
    rows = beside.rows(ROWS, run=run)
    assert [row["state"] for row in rows] == [*["success"] * 5, "failed"]
    assert [row["try_number"] for row in rows] == [1] * 6
    assert rows[0]["rendered_map_index"].startswith("0 of 20")
    assert "StepContractBrokenError" in beside.log_of(run, "several")
    eventually(lambda: not pods(life, run), seconds=60)
