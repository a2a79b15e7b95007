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
    """Return the last line of each fault and of each quiet time, in the order of the first."""
    lines = record.read_text(encoding="utf-8").splitlines() if record.is_file() else []
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for line in (json.loads(each) for each in lines if each):
        found[line["part"], line.get("fault") or line["quiet"]] = line
    return list(found.values())


def table(lines: Iterable[dict[str, Any]]) -> str:
    """Return the tally as Markdown."""
    every = list(lines)
    faults = [each for each in every if "fault" in each]
    quiet = [each for each in every if "quiet" in each]
    rows = ["| fault | found by | at | noticed after | incidents | as it must be |"]
    rows.append("|---|---|---|---|---|---|")
    rows += [_row(each) for each in faults]
    right = sum(not each["wrong"] for each in faults)
    days = sum(each["days"] for each in quiet)
    alerts = sum(each["messages"] for each in quiet)
    told = f"{right} of {len(faults)} faults found as they must be; {days} quiet simulated days "
    rows += ["", f"{told}({', '.join(_quiet(each) for each in quiet)}): {alerts} alerts.", ""]
    return "\n".join(rows)


def _row(line: dict[str, Any]) -> str:
    check, subject = line.get("check", "nothing"), line.get("subject", "")
    verdict = "yes" if not line["wrong"] else "**no**"
    noticed = _time(line["noticed_s"]) if "noticed_s" in line else ""
    told = [line["fault"], f"`{check}`", _place(subject), noticed, str(line["incidents"]), verdict]
    return "| " + " | ".join(told) + " |"


def _place(subject: str) -> str:
    """Return a subject; what is of one run's own, a folder or a port, is left out."""
    kind, _, name = subject.partition(":")
    return kind if not name or "…" in name else f"{kind} `{name}`"


def _quiet(line: dict[str, Any]) -> str:
    wrong = "" if not line["wrong"] else f", **{len(line['wrong'])} incidents**"
    return f"{line['quiet']} from {line['first']}{wrong}"


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
