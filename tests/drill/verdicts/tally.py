"""Add up the injections of docs/proofs/verdicts.jsonl into the table of docs/reliability.md."""

from __future__ import annotations

import json
import statistics
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final

from tests.cluster.place import ROOT

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["RECORD", "read", "rewrite", "share_right", "table"]

RECORD: Final = ROOT / "docs" / "proofs" / "verdicts.jsonl"
PAGE: Final = ROOT / "docs" / "reliability.md"
BEGIN: Final = "<!-- verdicts: begin -->\n"
END: Final = "<!-- verdicts: end -->\n"


def read(record: Path) -> list[dict[str, Any]]:
    """Return the injections that were recorded, oldest first."""
    if not record.is_file():
        return []
    return [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines() if line]


def share_right(lines: list[dict[str, Any]]) -> float:
    """Return which share of the injections was named right, from 0 to 1; 0 for none at all."""
    right = [each for each in lines if each["verdict"] == each["expected"]]
    return len(right) / max(len(lines), 1)


def table(lines: list[dict[str, Any]]) -> str:
    """Return the tally as Markdown: a row a cause, then the share of all that was named right."""
    by_cause: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for each in lines:
        by_cause[each["cause"]].append(each)
    rows = [
        "| verdict | cause | injected | named right | named otherwise | seconds, median |",
        "|---|---|---|---|---|---|",
    ]
    for cause, found in sorted(
        by_cause.items(), key=lambda item: (item[1][0]["expected"], item[0])
    ):
        expected = found[0]["expected"]
        wrong = Counter(each["verdict"] for each in found if each["verdict"] != expected)
        told = ", ".join(f"{name} {count}" for name, count in sorted(wrong.items())) or "none"
        right = len(found) - sum(wrong.values())
        seconds = statistics.median(each["seconds"] for each in found)
        rows.append(f"| `{expected}` | {cause} | {len(found)} | {right} | {told} | {seconds:.0f} |")
    share = share_right(lines)
    right = round(share * len(lines))
    rows.append(f"| | **all {len(by_cause)}** | **{len(lines)}** | **{right}** ({share:.1%}) | | |")
    return "\n".join(rows) + "\n"


def rewrite(record: Path = RECORD, page: Path = PAGE) -> bool:
    """Write the table between the page's two marks; tell whether that changed the page.

    Raises:
        ValueError: The page has no such marks.
    """
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not rest or not after:
        message = f"expected {BEGIN.strip()} and {END.strip()} in {page}, got neither or one"
        raise ValueError(message)
    new = f"{before}{BEGIN}{table(read(record))}{END}{after}"
    page.write_text(new, encoding="utf-8")
    return new != text
