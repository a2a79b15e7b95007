"""One Airflow with a scheduler for all tests of the launcher that leave it alive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.launcher.airflow_home import AirflowHome
from tests.launcher.stage import ClusterThread
from tests.ledger.postgres_server import running_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def cluster() -> Iterator[ClusterThread]:
    """Return a Kubernetes API of the session's own."""
    with ClusterThread() as running:
        yield running


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory, cluster: ClusterThread) -> Iterator[AirflowHome]:
    """Return an Airflow on Postgres with the DAGs of tests/launcher/dags, nothing started."""
    with running_postgres() as postgres:
        variables = {"STATIONMASTER_KUBERNETES_URL": cluster.fake.url}
        folder = tmp_path_factory.mktemp("airflow")
        running = AirflowHome(folder, postgres.new_database(), variables)
        try:
            running.call("sync", path="probes.py")
            yield running
        finally:
            running.close()


@pytest.fixture(scope="session")
def airflow(home: AirflowHome) -> AirflowHome:
    """Return it with a scheduler that lives as long as the session."""
    home.scheduler_process = home.scheduler()
    return home
