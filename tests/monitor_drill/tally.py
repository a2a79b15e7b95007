"""Write what the drill found last of each fault into the table of docs/monitoring.md.

`python -m tests.monitor_drill.tally` rewrites the table between its two marks, and ends with 1 when
a fault was not found as it must be, or a quiet time was not quiet; `--check` only compares.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["last_of_each", "main", "table"]

ROOT: Final = Path(__file__).parents[2]
RECORD: Final = ROOT / "docs" / "proofs" / "monitor.jsonl"
PAGE: Final = ROOT / "docs" / "monitoring.md"
BEGIN: Final = "<!-- monitor drill: begin -->\n"
END: Final = "<!-- monitor drill: end -->\n"


def last_of_each(record: Path) -> list[dict[str, Any]]:
    """Return the last line of each trial: a fault or a quiet time with a seed, first ones first."""
    lines = record.read_text(encoding="utf-8").splitlines() if record.is_file() else []
    found: dict[tuple[str, str, int], dict[str, Any]] = {}
    for line in (json.loads(each) for each in lines if each):
        found[line["part"], line.get("fault") or line["quiet"], line.get("seed", 1)] = line
    return list(found.values())


def table(lines: Iterable[dict[str, Any]]) -> str:
    """Return the tally as Markdown: a row a fault, over all of its seeds."""
    every = list(lines)
    faults: dict[str, list[dict[str, Any]]] = {}
    quiet: dict[str, list[dict[str, Any]]] = {}
    for each in every:
        known, name = (faults, each["fault"]) if "fault" in each else (quiet, each["quiet"])
        known.setdefault(name, []).append(each)
    rows = ["| fault | where | found by | at | noticed after | incidents | as it must be |"]
    rows.append("|---|---|---|---|---|---|---|")
    rows += [_row(mine) for mine in faults.values()]
    right = sum(not any(each["wrong"] for each in mine) for mine in faults.values())
    tried = sum(len(mine) for mine in faults.values())
    told = f"{right} of {len(faults)} faults found as they must be, in {tried} trials."
    return "\n".join([*rows, "", told, "", *_quiet_rows(quiet)])


def _row(mine: list[dict[str, Any]]) -> str:
    """Return a fault's row; what differs from seed to seed is told as a range."""
    last = next((each for each in mine if each["wrong"]), mine[-1])
    check, subject = last.get("check", "nothing"), last.get("subject", "")
    bad = sum(bool(each["wrong"]) for each in mine)
    verdict = "yes" if not bad else f"**no** ({bad} of {len(mine)})"
    times = sorted(each["noticed_s"] for each in mine if "noticed_s" in each)
    noticed = " to ".join(dict.fromkeys(_time(each) for each in times[:1] + times[-1:]))
    incidents = max(each["incidents"] for each in mine)
    where = last.get("where", "laptop")
    told = [last["fault"], where, f"`{check}`", _place(subject), noticed, str(incidents), verdict]
    return "| " + " | ".join(told) + " |"


def _quiet_rows(quiet: dict[str, list[dict[str, Any]]]) -> list[str]:
    rows = ["| quiet days | from | days | looks | alerts |", "|---|---|---|---|---|"]
    for name, mine in quiet.items():
        days, looks = sum(each["days"] for each in mine), sum(each["looks"] for each in mine)
        alerts = sum(each["messages"] for each in mine)
        told = f"**{alerts}**" if any(each["wrong"] for each in mine) else str(alerts)
        seeds = f"{name}, {len(mine)} seeds" if len(mine) > 1 else name
        rows.append(f"| {seeds} | {mine[0]['first']} | {days} | {looks} | {told} |")
    return [*rows, ""]


def _place(subject: str) -> str:
    """Return a subject; what is of one run's own, a folder or a port, is left out."""
    kind, _, name = subject.partition(":")
    return kind if not name or "…" in name else f"{kind} `{name}`"


def _time(seconds: float) -> str:
    if abs(seconds) >= 86_400:
        return f"{seconds / 86_400:.1f} days"
    return f"{seconds / 60:.0f} min" if abs(seconds) >= 120 else f"{seconds:.0f} s"


def main(arguments: list[str]) -> int:
    """Rewrite the table, or tell whether it is fresh; tell whether all is as it must be."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    lines = last_of_each(RECORD)
    fresh = f"{before}{BEGIN}{table(lines)}{END}{after}"
    if "--check" in arguments:
        return 0 if fresh == page else 1
    PAGE.write_text(fresh, encoding="utf-8")
    return 1 if any(each["wrong"] for each in lines) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
