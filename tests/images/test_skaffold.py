"""skaffold.yaml, the jobs' folders and the chart's values name the same jobs."""

from __future__ import annotations

import re
from typing import Any

from k8s.images.artifacts import PARTS, ROOT, artifacts
from tests.images.schemas import documents, json_schema, problems

SKAFFOLD = documents("skaffold.yaml")[0]
VALUES = documents("charts/stationmaster/values.yaml")[0]
RELEASE = SKAFFOLD["deploy"]["helm"]["releases"][0]


def at(document: Any, path: list[str]) -> Any:  # noqa: ANN401 (a place in any document)
    """Return what stands at a path of keys and indexes.

    Raises:
        KeyError: Nothing stands there.
    """
    for key in path:
        document = document[int(key) if isinstance(document, list) else key]
    return document


def test_skaffold_yaml_follows_its_schema() -> None:
    """Skaffold refuses a field that it does not know."""
    assert problems(SKAFFOLD, json_schema("skaffold-v4beta13.json")) == []


def test_the_lists_of_jobs_are_equal() -> None:
    """A new job is in all of them: folder, image, skaffold.yaml, the chart's values."""
    folders = {path.parent.name for path in ROOT.glob("jobs/*/job.yaml")}
    built = {
        entry["image"].removeprefix("stationmaster/") for entry in SKAFFOLD["build"]["artifacts"]
    }
    set_by_skaffold = set(re.findall(r"'jobs\.([\w-]+)\.image\.tag'", str(RELEASE)))

    assert built == folders | set(PARTS)
    assert set_by_skaffold == folders
    assert set(VALUES["jobs"]) == folders


def test_skaffold_builds_the_files_that_make_images_builds() -> None:
    """Two ways to the same images."""
    named = {
        entry["image"]: entry["docker"]["dockerfile"] for entry in SKAFFOLD["build"]["artifacts"]
    }

    assert named == {artifact.repository: artifact.dockerfile for artifact in artifacts()}


def test_skaffold_sets_values_that_the_chart_has() -> None:
    """A template for a key that the chart does not know would set nothing."""
    for key, template in RELEASE["setValueTemplates"].items():
        name = re.fullmatch(r"\{\{\.IMAGE_[A-Z_]+?_(stationmaster_\w+)\}\}", template)
        path = key.split(".")
        if path[-1] in {"repository", "tag"}:
            path.pop()

        assert name
        assert at(VALUES, path) is not None
        assert name[1] in {re.sub(r"\W", "_", artifact.repository) for artifact in artifacts()}


def test_skaffold_patches_and_files_name_what_is_there() -> None:
    """A patch of a path that is not there stops Skaffold; so does a missing file of values."""
    patches = [patch for profile in SKAFFOLD["profiles"] for patch in profile["patches"]]
    files = [*RELEASE["valuesFiles"], *(p["value"] for p in patches if "valuesFiles" in p["path"])]

    assert all((ROOT / file).is_file() for file in files)
    for patch in patches:
        path = patch["path"].strip("/").split("/")
        assert at(SKAFFOLD, path if patch["op"] == "replace" else path[:-1]) is not None
