"""What a deployment's catalog says of a job's pods reaches them, below the author's wishes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml
from kubernetes.client import ApiClient  # type: ignore[import-untyped]

from stationmaster.airflow.catalog import find_job
from stationmaster.airflow.contexts import example_context
from stationmaster.airflow.operator import StepOperator
from stationmaster.step.errors import MisconfiguredError
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


def catalog(folder: Path, kubernetes: dict[str, object]) -> Settings:
    """Return settings that name a catalog of one job."""
    fields = {"summary": "A job.", "owner": "data", "size": "s", "command": ["true"]}
    path = folder / "catalog.yaml"
    job = {"image": "acme/j@sha256:0", "kubernetes": kubernetes, **fields}
    path.write_text(yaml.safe_dump({"jobs": {"load-orders": job}}), encoding="utf-8")
    return Settings(catalog_file=path)


def test_a_deployment_places_a_jobs_pods(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Service account, environment, nodes and priority of the catalog stand in the pod."""
    wishes: dict[str, object] = {
        "serviceAccount": "loader",
        "priorityClass": "steps",
        "env": {"REGION": "eu"},
        "nodeSelector": {"pool": "steps"},
        "tolerations": [{"key": "steps", "operator": "Exists"}],
    }
    settings = catalog(tmp_path, wishes)
    monkeypatch.setenv("STATIONMASTER_CATALOG_FILE", str(settings.catalog_file))
    pod = StepOperator(task_id="load", job="load-orders").build_pod_request_obj()
    spec = ApiClient().sanitize_for_serialization(pod)["spec"]
    assert spec["serviceAccountName"] == "loader"
    assert spec["priorityClassName"] == "steps"
    assert spec["nodeSelector"] == {"pool": "steps"}
    assert {"key": "steps", "operator": "Exists"} in spec["tolerations"]
    assert {"name": "REGION", "value": "eu"} in spec["containers"][0]["env"]
    sources = [next(iter(each.values()))["name"] for each in spec["containers"][0]["envFrom"]]
    assert sources == ["stationmaster-step", "stationmaster-step"]


def test_a_misspelled_placement_is_refused(tmp_path: Path) -> None:
    """A field that no pod has is named, instead of silently doing nothing."""
    settings = catalog(tmp_path, {"serviceAcount": "loader"})
    with pytest.raises(MisconfiguredError, match="serviceAcount"):
        example_context("dag", "task", find_job("load-orders", settings))
