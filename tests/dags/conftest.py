"""Airflow reads DAG files in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.airflow_place import give_airflow_a_home

if TYPE_CHECKING:
    import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Give Airflow a home before anything imports it."""
    give_airflow_a_home(config)
