"""What is expected of the simulated world: the product's own file, and what only exists here."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from stationmaster.step.jobfile import find_jobs
from tests.monitor_drill.pipelines import OWN_JOBS

__all__ = ["FILE_CHANNEL", "write_catalog", "write_expectations"]

ROOT: Final = Path(__file__).parents[2]
FILE_CHANNEL: Final = "drill-file"


def write_expectations(folder: Path) -> Path:
    """Write the file of expectations: the one of `dags/`, with the other two pipelines.

    Args:
        folder: Where to.
    """
    text = (ROOT / "dags" / "monitoring.yaml").read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.safe_load(text)
    document.setdefault("pipelines", {}).update(
        nightly_finance={"due": "05:00", "owner": "finance", "product": "closing of the books"}
    )
    document["alerts"] = {
        "channels": {FILE_CHANNEL: {"kind": "file", "path": "alerts.jsonl"}},
        "otherwise": [FILE_CHANNEL],
    }
    path = folder / "monitoring.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path


def write_catalog(folder: Path) -> Path:
    """Write a catalog with the real jobs and those of the other two pipelines."""
    jobs = {
        job.name: job.model_dump(mode="json", exclude={"name"}) for job in find_jobs(ROOT / "jobs")
    }
    for name, places in OWN_JOBS.items():
        own = {"summary": f"Plays {name} in the drill.", "owner": "analytics", "size": "s"}
        jobs[name] = own | {"timeout_minutes": 60, **places}
    path = folder / "catalog.yaml"
    path.write_text(yaml.safe_dump({"jobs": jobs}, sort_keys=False), encoding="utf-8")
    return path
