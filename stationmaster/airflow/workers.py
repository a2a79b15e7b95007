"""Airflow's LocalExecutor with few processes beside a high `[core] parallelism`.

`[core] parallelism` bounds what all executors of a scheduler run together, and is also the number
of processes that LocalExecutor starts at once; steps that hold no process need the first to be
thousands, and the second stays a handful.
"""

from __future__ import annotations

from airflow.executors.local_executor import LocalExecutor

from stationmaster.step.settings import Settings

__all__ = ["FewWorkersExecutor"]


class FewWorkersExecutor(LocalExecutor):
    """Run tasks in `STATIONMASTER_WORKERS` processes."""

    def __init__(self, parallelism: int | None = None, team_name: str | None = None) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            parallelism=parallelism or Settings().workers, team_name=team_name
        )
