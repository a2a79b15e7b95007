"""The arrows between the packages go one way."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

ALLOWED: dict[str, tuple[str, ...]] = {
    "stationmaster/step": ("stationmaster.step",),
    "stationmaster/airflow": (
        "stationmaster.airflow",
        "stationmaster.ledger",
        "stationmaster.step.errors",
        "stationmaster.step.jobfile",
        "stationmaster.step.logs.format",
        "stationmaster.step.logs.masking",
        "stationmaster.step.logs.segment",
        "stationmaster.step.logs.spool",
        "stationmaster.step.logs.store",
        "stationmaster.step.logs.uploader",
        "stationmaster.step.process",
        "stationmaster.step.protocol",
        "stationmaster.step.settings",
    ),
    "stationmaster/ledger": (
        "stationmaster.ledger",
        "stationmaster.step.errors",
        "stationmaster.step.protocol",
        "stationmaster.step.settings",
    ),
    "stationmaster/monitor": (
        "stationmaster.ledger",
        "stationmaster.monitor",
        "stationmaster.step.errors",
        "stationmaster.step.jobfile",
        "stationmaster.step.settings",
    ),
    "stationmaster/sources": (
        "stationmaster.sources",
        "stationmaster.step.errors",
        "stationmaster.step.settings",
    ),
    "stationmaster/demo": (
        "stationmaster.airflow",
        "stationmaster.demo",
        "stationmaster.sources",
        "stationmaster.step",
    ),
    "dags": ("stationmaster.airflow",),
    "jobs": ("stationmaster.step",),
}

FORBIDDEN_IN_STEP = ("airflow", "kubernetes", "kubernetes_asyncio")


def imported_names(path: Path) -> set[str]:
    """Return every module that a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def sources_of(folder: str) -> list[Path]:
    """Return the shipped Python files below a folder, tests left out."""
    return [path for path in (ROOT / folder).rglob("*.py") if "tests" not in path.parts]


def breaches(folder: str, allowed: tuple[str, ...]) -> list[str]:
    """Return one line for each import of ours that an arrow does not allow."""
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources_of(folder)
        for name in sorted(imported_names(path))
        if name.split(".")[0] == "stationmaster"
        and not any(name == prefix or name.startswith(f"{prefix}.") for prefix in allowed)
    ]


@pytest.mark.parametrize("folder", sorted(ALLOWED))
def test_imports_follow_the_arrows(folder: str) -> None:
    """A package imports only the packages that its arrow points to."""
    assert sources_of(folder)
    assert breaches(folder, ALLOWED[folder]) == []


def test_a_step_knows_nothing_of_its_scheduler() -> None:
    """What runs inside a container imports neither Airflow nor Kubernetes."""
    found = [
        f"{path.relative_to(ROOT)} imports {name}"
        for folder in ("stationmaster/step", "jobs")
        for path in sources_of(folder)
        for name in imported_names(path)
        if name.split(".")[0] in FORBIDDEN_IN_STEP
    ]

    assert found == []


def test_a_job_imports_no_other_job() -> None:
    """Jobs meet in datasets, never in code."""
    packages = {
        path.name.replace("-", "_"): path for path in (ROOT / "jobs").iterdir() if path.is_dir()
    }
    found = [
        f"{path.relative_to(ROOT)} imports {name}"
        for own, folder in packages.items()
        for path in folder.rglob("*.py")
        for name in imported_names(path)
        if name.split(".")[0] in packages.keys() - {own}
    ]

    assert found == []


def test_the_arrow_test_sees_a_breach(tmp_path: Path) -> None:
    """An import against the arrows is found, also when it hides inside a function."""
    file = tmp_path / "hidden.py"
    file.write_text("def f():\n    from stationmaster.airflow import operator\n", encoding="utf-8")

    assert "stationmaster.airflow" in imported_names(file)
