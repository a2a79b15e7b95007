"""Airflow's home for reading DAG files: it makes one at import."""

from __future__ import annotations

import os
import sys
import tempfile


def pytest_configure() -> None:
    """Give Airflow a home of its own, unless tests/airflow has done so."""
    if "airflow" not in sys.modules and "AIRFLOW_HOME" not in os.environ:
        os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="stationmaster-airflow-")
        os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
