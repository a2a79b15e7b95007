"""Add up what all drills found, by kind of fault, into the table of docs/reliability.md.

`python -m tests.drill.tally` rewrites the table between its two marks; `--check` only compares.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tests.cluster.place import ROOT

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["main", "read", "table"]

RECORD = ROOT / "docs" / "proofs" / "drill.jsonl"
PAGE = ROOT / "docs" / "reliability.md"
BEGIN = "<!-- drill: begin -->\n"
END = "<!-- drill: end -->\n"


def read(record: Path) -> list[dict[str, Any]]:
    """Return the runs that were recorded, oldest first."""
    if not record.is_file():
        return []
    return [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines() if line]


def table(runs: list[dict[str, Any]]) -> str:
    """Return the tally as Markdown.

    A run with several faults counts for each of them: which one did harm is not known.
    """
    faults: dict[str, int] = defaultdict(int)
    in_runs: dict[str, set[str]] = defaultdict(set)
    wrong: dict[str, set[str]] = defaultdict(set)
    for run in runs:
        for fault in run["faults"]:
            if fault["hit"]:
                faults[fault["kind"]] += 1
                in_runs[fault["kind"]].add(run["run"])
                if not run["exactly_once"]:
                    wrong[fault["kind"]].add(run["run"])
    lines = [
        "| fault | times | in runs | runs with a step lost, doubled, falsely green or failed |"
    ]
    lines.append("|---|---|---|---|")
    lines += [
        f"| {kind} | {faults[kind]} | {len(in_runs[kind])} | {len(wrong[kind])} |"
        for kind in sorted(faults)
    ]
    bad = sum(not run["exactly_once"] for run in runs)
    steps = sum(int(run["steps"]) for run in runs)
    lines.append(f"| **all** | **{sum(faults.values())}** | **{len(runs)}** | **{bad}** |")
    retried = sum(len(run["problems"].get("used a retry", [])) for run in runs)
    workers = sum(run["way"] == "worker" for run in runs)
    several = sum(run.get("schedulers", 1) > 1 for run in runs)
    sentence = (
        f"{steps} steps in {len(runs)} runs, {workers} of them by workers, the others by the "
        f"launcher, {several} with two schedulers at once; {retried} steps used "
        "one of Airflow's retries."
    )
    return "\n".join([*lines, "", sentence, ""])


def main(arguments: list[str]) -> int:
    """Rewrite the table, or tell whether it is fresh."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    fresh = f"{before}{BEGIN}{table(read(RECORD))}{END}{after}"
    if "--check" in arguments:
        return 0 if fresh == page else 1
    PAGE.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
