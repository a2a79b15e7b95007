"""The table of verdicts by cause, from lines as the drill writes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.drill.verdicts.tally import BEGIN, END, read, rewrite, share_right, table

if TYPE_CHECKING:
    from pathlib import Path


def line(cause: str, expected: str, verdict: str) -> dict[str, Any]:
    """Return what the drill writes of one injection."""
    return {"cause": cause, "expected": expected, "verdict": verdict, "seconds": 4.0}


LINES = [
    line("drained", "drained", "drained"),
    line("memory", "out_of_memory", "out_of_memory"),
    line("memory", "out_of_memory", "step_failed"),
    line("memory", "out_of_memory", "out_of_memory"),
]


def test_a_wrong_name_is_counted_and_told() -> None:
    """Each cause has its injections, those named right, and what the others were called."""
    text = table(LINES)

    assert "| `drained` | drained | 1 | 1 | none | 4 |" in text
    assert "| `out_of_memory` | memory | 3 | 2 | step_failed 1 | 4 |" in text
    assert "**4** | **3** (75.0%)" in text


def test_no_injection_is_no_success() -> None:
    """A drill that injected nothing has not named anything right."""
    assert share_right([]) == 0
    assert share_right(LINES) == 0.75


def test_only_what_is_between_the_marks_is_rewritten(tmp_path: Path) -> None:
    """The page keeps its words; the table is that of the record; a second time changes nothing."""
    record, page = tmp_path / "verdicts.jsonl", tmp_path / "page.md"
    record.write_text("".join(json.dumps(each) + "\n" for each in LINES), encoding="utf-8")
    page.write_text(f"before\n{BEGIN}old\n{END}after\n", encoding="utf-8")

    assert rewrite(record, page)
    assert not rewrite(record, page)
    text = page.read_text(encoding="utf-8")
    assert text == f"before\n{BEGIN}{table(read(record))}{END}after\n"


def test_a_page_without_marks_is_refused(tmp_path: Path) -> None:
    """The table is never written to where nobody expects it."""
    page = tmp_path / "page.md"
    page.write_text("no marks\n", encoding="utf-8")

    with pytest.raises(ValueError, match="verdicts: begin"):
        rewrite(tmp_path / "none.jsonl", page)
