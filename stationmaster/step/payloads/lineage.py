"""Which datasets and reports come of a dataset, by what jobs say they read and write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stationmaster.step.jobfile import find_jobs

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["downstream"]


def downstream(jobs_root: Path, dataset: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the datasets made of one, itself first, and the reports made of them.

    What a job writes without a contract is no table: it is a report, read by people.

    Args:
        jobs_root: The folder of jobs.
        dataset: Where to begin.

    Raises:
        MisconfiguredError: A job.yaml cannot be used.
    """
    jobs = find_jobs(jobs_root)
    tables = {path.name.split(".")[0] for path in jobs_root.glob("*/src/*/contracts/*.odcs.yaml")}
    datasets, waiting = [dataset], [dataset]
    reports: list[str] = []
    while waiting:
        read = waiting.pop(0)
        for written in (name for job in jobs if read in job.inputs for name in job.outputs):
            known = datasets if written in tables else reports
            if written not in known:
                known.append(written)
                waiting.append(written)
    return tuple(datasets), tuple(reports)
