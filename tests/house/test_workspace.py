"""The tree keeps its shape: a new job is one folder, and every file stays a small room."""

from __future__ import annotations

import ast
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
JOBS = sorted(path.parent for path in (ROOT / "jobs").glob("*/job.yaml"))
TOP_LEVEL = {
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "charts",
    "dags",
    "docs",
    "jobs",
    "k8s",
    "pyproject.toml",
    "skaffold.yaml",
    "stationmaster",
    "tests",
    "uv.lock",
}
MODULE_LINES = 300
FUNCTION_LINES = 60


def tracked(pattern: str) -> list[Path]:
    """Return the files that git tracks or would track."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", pattern]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / line for line in listed.splitlines() if (ROOT / line).exists()]


def test_the_top_level_is_the_agreed_one() -> None:
    """No file or folder stands at the top that the design does not name."""
    names = {path.relative_to(ROOT).parts[0] for path in tracked("*")}

    assert {name for name in names if not name.startswith(".")} - TOP_LEVEL == set()


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_a_job_has_the_shape_of_a_job(job: Path) -> None:
    """Folder, package, image and job.yaml carry one name in its two spellings."""
    package = job / "src" / job.name.replace("-", "_")
    project = tomllib.loads((job / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    described = yaml.safe_load((job / "job.yaml").read_text(encoding="utf-8"))

    assert project["name"] == described["name"] == job.name
    assert (package / "__main__.py").exists()
    assert (package / "job.py").exists()
    assert (job / "README.md").exists()
    assert list((job / "tests").glob("test_*.py"))


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_each_table_a_job_writes_has_one_contract(job: Path) -> None:
    """Every contract in a job's folder is of a dataset that the job writes."""
    outputs = set(yaml.safe_load((job / "job.yaml").read_text(encoding="utf-8")).get("outputs", []))
    contracts = {path.name.split(".")[0] for path in job.glob("src/*/contracts/*.odcs.yaml")}

    assert contracts - outputs == set()


def test_no_module_and_no_function_outgrows_its_room() -> None:
    """Modules stay below 300 lines and functions below 60."""
    too_big = []
    for path in tracked("*.py"):
        source = path.read_text(encoding="utf-8")
        if source.count("\n") > MODULE_LINES:
            too_big.append(f"{path.relative_to(ROOT)}: {source.count(chr(10))} lines")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                length = (node.end_lineno or node.lineno) - node.lineno
                if length > FUNCTION_LINES:
                    too_big.append(f"{path.relative_to(ROOT)}: {node.name} has {length} lines")

    assert too_big == []


def test_nothing_is_faked_by_replacing_parts_from_outside() -> None:
    """Tests use real parts or the fakes we ship, never a patched attribute."""
    word = "patch" + "("

    assert [str(path) for path in tracked("*.py") if word in path.read_text(encoding="utf-8")] == []


def test_no_work_is_left_as_a_note() -> None:
    """What is to be done is an issue, not a comment."""
    notes = ["TO" + "DO", "FIX" + "ME"]
    found = [
        f"{path.relative_to(ROOT)}: {note}"
        for path in tracked("*.py")
        for note in notes
        if note in path.read_text(encoding="utf-8")
    ]

    assert found == []


def test_every_test_says_what_it_promises() -> None:
    """Each test function carries a docstring of its own."""
    silent = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in tracked("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.name.startswith("test_")
        and ast.get_docstring(node) is None
    ]

    assert silent == []


def test_no_two_test_files_of_jobs_share_a_name() -> None:
    """The type checker names a job's test by its file: two of one name would hide each other."""
    names = [path.name for path in (ROOT / "jobs").glob("*/tests/*.py")]

    assert sorted(names) == sorted(set(names))
