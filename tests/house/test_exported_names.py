"""What is public is said once, in `__all__`, and is true."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "stationmaster").rglob("*.py")
    if path.name != "__main__.py"
)


def public_definitions(path: Path) -> set[str]:
    """Return the names of classes and functions that a module defines without an underscore."""
    return {
        node.name
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and not node.name.startswith("_")
    }


def file_of(module: str) -> Path:
    """Return the file of one of our modules."""
    stem = ROOT.joinpath(*module.split("."))
    return stem / "__init__.py" if stem.is_dir() else stem.with_suffix(".py")


@pytest.mark.parametrize("module", MODULES)
def test_all_names_what_is_public(module: str) -> None:
    """A module's `__all__` names only what exists, and misses no public definition."""
    exported = list(getattr(importlib.import_module(module), "__all__", []))

    assert len(exported) == len(set(exported))
    assert [name for name in exported if not hasattr(importlib.import_module(module), name)] == []
    assert public_definitions(file_of(module)) - set(exported) == set()
