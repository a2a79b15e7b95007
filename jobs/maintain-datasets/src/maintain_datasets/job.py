"""The job: one round of maintenance of every dataset."""

from __future__ import annotations

from pydantic import Field

from stationmaster.step import Outputs, Params, Settings, job
from stationmaster.step.datasets import MaintenancePolicy, Store

__all__ = ["MaintainDatasets", "run"]


class MaintainDatasets(Params):
    """What can be set for a run."""

    keep_days: float = Field(default=7, ge=1)
    """Snapshots younger than this stay readable."""
    branch_hours: float = Field(default=24, ge=1)
    """Audit branches older than this belong to no living step."""
    orphan_hours: float = Field(default=24, ge=1)
    """Files nothing refers to go at this age."""


@job
def run(params: MaintainDatasets, outputs: Outputs) -> None:
    """Maintain every table, and note what was done."""
    policy = MaintenancePolicy.model_validate(params.model_dump())
    for report in Store.open(Settings()).maintain(policy):
        if report.changed:
            outputs.note(report.sentence())
