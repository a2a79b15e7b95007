"""One task of plain Airflow, which any version of it can run."""

from __future__ import annotations

from airflow.sdk import DAG, task

with DAG("plain_task", schedule=None):

    @task
    def answer() -> int:
        """Return a number."""
        return 42

    answer()
