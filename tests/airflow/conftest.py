"""Real Airflow on a sqlite file of the session's own."""

# ruff: noqa: PLC0415 (Airflow makes its home when imported: not before pytest_configure)

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.airflow_place import give_airflow_a_home

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.models.dagrun import DagRun
    from airflow.sdk import DAG

FIXTURES = Path(__file__).parent / "fixtures"


class RunDag(Protocol):
    """Run a DAG as `airflow dags test` does."""

    def __call__(self, dag: DAG, *, logical_date: dt.datetime | None = ...) -> DagRun:
        """Return the run when it has ended."""


def pytest_configure(config: pytest.Config) -> None:
    """Give Airflow a home before anything imports it."""
    give_airflow_a_home(config)


@pytest.fixture(autouse=True)
def _toy_jobs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STATIONMASTER_JOBS", str(FIXTURES / "jobs"))
    monkeypatch.setenv("STATIONMASTER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYTHONPATH", str(FIXTURES / "src"))
    monkeypatch.delenv("STATIONMASTER_CATALOG_FILE", raising=False)


@pytest.fixture(scope="session")
def _database() -> None:
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture
def run_dag(_database: None) -> RunDag:
    """Run a DAG in this process with real task instances, retries and XComs."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db

    DagBundlesManager().sync_bundles_to_db()  # type: ignore[no-untyped-call]

    def run(
        dag: DAG, *, logical_date: dt.datetime | None = dt.datetime(2011, 11, 22, 6, tzinfo=dt.UTC)
    ) -> DagRun:
        bag = DagBag(dag_folder=os.devnull)
        bag.bag_dag(dag)
        sync_bag_to_db(bag, "dags-folder", None)
        ended: DagRun = dag.test(logical_date=logical_date)
        return ended

    return run


@pytest.fixture
def failures() -> list[BaseException]:
    """Collect the exceptions of tasks that failed for good."""
    return []


@pytest.fixture
def dag(request: pytest.FixtureRequest, failures: list[BaseException]) -> DAG:
    """Return an empty DAG named after the test; its tasks do not retry unless they say so."""
    from airflow.sdk import DAG

    def remember(context: Any) -> None:  # noqa: ANN401 (Airflow's own type is for type checkers)
        failures.append(context["exception"])

    name: str = request.node.name
    return DAG(
        "".join(letter if letter.isalnum() else "_" for letter in name)[:100],
        schedule="0 6 * * *",
        start_date=dt.datetime(2011, 1, 1, tzinfo=dt.UTC),
        catchup=False,
        default_args={
            "owner": "tests",
            "retries": 0,
            "retry_delay": dt.timedelta(seconds=0),
            "on_failure_callback": remember,
        },
    )


@pytest.fixture
def xcom(_database: None) -> Callable[[DagRun, str], Any]:
    """Return what a task pushed: one value, or a list of a mapped task's values."""
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    def pull(run: DagRun, task_id: str) -> Any:  # noqa: ANN401 (whatever was pushed)
        with create_session() as session:
            query = (
                select(XComModel)
                .where(XComModel.run_id == run.run_id, XComModel.dag_id == run.dag_id)
                .where(XComModel.task_id == task_id, XComModel.key == "return_value")
                .order_by(XComModel.map_index)
            )
            values = [XComModel.deserialize_value(row) for row in session.scalars(query)]
        return values[0] if len(values) == 1 else values

    return pull
