"""Importing the public namespace costs little: jobs, DAG files and workers all do it."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("polars", "pyarrow", "pyiceberg", "duckdb", "airflow", "kubernetes", "splink", "pyspark")


@pytest.mark.parametrize(
    "module",
    [
        "stationmaster.step",
        "stationmaster.step.process",
        "stationmaster.step.jobfile",
        "stationmaster.step.runner",
        "stationmaster.step.run_step",
    ],
)
def test_importing_the_step_library_loads_nothing_heavy(module: str) -> None:
    """No data frame library and no scheduler comes along with the step contract."""
    script = f"import sys, {module}; print([m for m in {HEAVY} if m in sys.modules])"

    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert ended.stdout.strip() == "[]"
