"""The cluster and the release that cluster tests need; without them they fail with what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.place import Place
from tests.cluster.release import Release

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.airflow_api import AirflowApi


@pytest.fixture(name="place", scope="session")
def _place() -> Place:
    return Place.find()


@pytest.fixture(name="release", scope="session")
def _release(place: Place) -> Iterator[Release]:
    with Release(place) as release:
        yield release


@pytest.fixture(name="airflow", scope="session")
def _airflow(release: Release) -> AirflowApi:
    return release.airflow
