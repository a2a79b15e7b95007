"""All three databases lost with their volume and put back from the object store, with the time.

A release of the test's own, in namespaces of its own. Run by `make proof-chart`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from stationmaster.step.datasets.catalog import open_catalog
from tests.chart.drilled import FULL, NAMESPACE, STEPS, DrilledRelease
from tests.chart.variants import platform_image

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyiceberg.catalog.sql import SqlCatalog

pytestmark = [pytest.mark.cluster, pytest.mark.proof, pytest.mark.timeout(1800)]

ROWS: Final = pa.table({"customer": [f"c{number}" for number in range(1000)]})
TABLE: Final = ("stationmaster", "customers")
SECRET: Final = {"key": "drill", "value": "a word that Airflow encrypts"}
STEP: Final = "maintain_datasets"
AIRFLOW: Final = ("api-server", "scheduler", "dag-processor", "triggerer")
Contents = dict[str, tuple[int, str]]


@dataclass(frozen=True)
class Loss:
    """Hold what the databases had before the loss, in between, and after the restore."""

    before: Contents
    lost: Contents
    after: Contents
    rows: Any
    variable: str
    run_state: str
    chores: dict[str, str]
    """What the CronJobs printed when they were run by hand."""


@pytest.fixture(name="loss", scope="module")
def _loss(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loss]:
    """Back up, lose Postgres with its volume, restore, and start Airflow again."""
    home = tmp_path_factory.mktemp("restore")
    with DrilledRelease() as drilled:
        drilled.upgrade(platform_image())
        fill(drilled, home)
        drilled.stop(*AIRFLOW)
        before = drilled.contents()
        drilled.job("backup")
        lose(drilled)
        lost = drilled.contents()
        begin = time.monotonic()
        said = drilled.job("restore")
        after = drilled.contents()
        drilled.say(f"restored: {' '.join(said.split())}", time.monotonic() - begin)
        drilled.upgrade(platform_image())
        rows = catalog(drilled, home).load_table(TABLE).scan().to_arrow()
        variable = drilled.release.airflow.call("GET", f"/api/v2/variables/{SECRET['key']}")
        run = drilled.run(STEP)
        drilled.ask_itself()
        chores = {"db-clean": drilled.job("db-clean")}
        chores["maintenance"] = drilled.job("maintenance", STEPS)
        yield Loss(before, lost, after, rows, variable["value"], run["state"], chores)


def catalog(drilled: DrilledRelease, home: Path) -> SqlCatalog:
    """Return the release's Iceberg catalog, as reached from here."""
    return open_catalog(drilled.release.settings(home))


def fill(drilled: DrilledRelease, home: Path) -> None:
    """Make something of each kind: a run and a secret of Airflow, an attempt, an Iceberg table."""
    tables = catalog(drilled, home)
    tables.create_namespace_if_not_exists(TABLE[0])
    tables.create_table(TABLE, ROWS.schema).append(ROWS)
    drilled.release.airflow.call("POST", "/api/v2/variables", json=SECRET)
    drilled.run(STEP)


def lose(drilled: DrilledRelease) -> None:
    """Delete Postgres and its volume, and wait for the empty one that comes in its place."""
    here = ("-n", NAMESPACE)
    postgres = f"{FULL}-postgres"
    drilled.place.kubectl("delete", "pvc", f"data-{postgres}-0", "--wait=false", *here)
    drilled.place.kubectl("delete", "pod", f"{postgres}-0", *here)
    drilled.place.kubectl("rollout", "status", f"statefulset/{postgres}", "--timeout=4m", *here,
                          seconds=250)  # fmt: skip
    drilled.release.postgres.restart()


def test_the_loss_was_one(loss: Loss) -> None:
    """Nothing was left in the databases: the restore cannot have found what it brings."""
    assert {table for table in loss.before if table.startswith("airflow.")}
    assert loss.lost == {}


def test_every_row_of_every_table_comes_back(loss: Loss) -> None:
    """Metadata, ledger and catalog have the tables they had, with the same rows, value by value."""
    assert loss.after == loss.before
    for table in ("airflow.dag_run", "airflow.variable", "ledger.attempt"):
        assert loss.after[table][0] > 0, table
    assert loss.after["catalog.iceberg_tables"][0] > 0


def test_what_the_databases_only_point_to_is_right(loss: Loss) -> None:
    """An Iceberg table's rows are read again, and a secret still fits the key that was kept."""
    assert loss.rows.equals(ROWS)
    assert loss.variable == SECRET["value"]


def test_airflow_goes_on_after_a_restore(loss: Loss) -> None:
    """A step runs as a pod, and the release finds itself well."""
    assert loss.run_state == "success"


def test_chores_of_databases_and_datasets_do_their_work(loss: Loss) -> None:
    """Metadata is cleaned table by table, and the datasets' maintenance looks at the table."""
    assert "dag_run" in loss.chores["db-clean"]
    assert TABLE[1] in loss.chores["maintenance"]
