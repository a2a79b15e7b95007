"""Write the page of the made-up month, to look at while working on it.

python -m report_morning.preview [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

from report_morning.build import build
from report_morning.page import render
from report_morning.sample import month, morning_of

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Write `index.html` and `report.json` into a folder, the current one by default."""
    folder = Path(arguments[0]) if arguments else Path()
    folder.mkdir(parents=True, exist_ok=True)
    report = build(morning_of(month()), promise_days=2)
    (folder / "index.html").write_text(render(report), encoding="utf-8")
    (folder / "report.json").write_text(report.model_dump_json(indent=1), encoding="utf-8")
    sys.stdout.write(f"{folder / 'index.html'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
