"""One Airflow with a scheduler for all tests of the launcher that leave it alive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.launcher.stage import ClusterThread, running_home

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.launcher.airflow_home import AirflowHome


@pytest.fixture(scope="session")
def cluster() -> Iterator[ClusterThread]:
    """Return a Kubernetes API of the session's own."""
    with ClusterThread() as running:
        yield running


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory, cluster: ClusterThread) -> Iterator[AirflowHome]:
    """Return an Airflow on Postgres with the DAGs of tests/launcher/dags, nothing started."""
    with running_home(tmp_path_factory.mktemp("airflow"), cluster) as running:
        yield running


@pytest.fixture(scope="session")
def airflow(home: AirflowHome) -> AirflowHome:
    """Return it with a scheduler that lives as long as the session."""
    home.scheduler_process = home.scheduler()
    return home
