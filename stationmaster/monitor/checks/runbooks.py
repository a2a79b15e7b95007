"""The page of a check: packaged beside the code, or in the checkout's docs folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stationmaster.monitor.checks.check import Check

__all__ = ["runbook_text"]


def runbook_text(check: Check) -> str:
    """Return a check's page as Markdown, "" where there is none."""
    package = Path(__file__).parents[1]
    for folder in (package / "runbooks", package.parents[1] / "docs" / "runbooks"):
        path = folder / f"{check.name}.md"
        if path.is_file():
            return path.read_text(encoding="utf-8")
    return ""
