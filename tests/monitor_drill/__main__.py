"""Break things on purpose, and look whether monitoring finds each as one incident, and no more.

`python -m tests.monitor_drill [data|stores|processes|quiet|kind]… [--only WORDS] [--seeds 1,2]`
appends one JSON line a fault or period to docs/proofs/monitor.jsonl, and ends with 1 when one was
not as it must be.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.monitor_drill.laptop import FAULTS
from tests.monitor_drill.processes import PROCESSES
from tests.monitor_drill.quiet import PERIODS, quiet_days
from tests.monitor_drill.scene import tried
from tests.monitor_drill.stores import STORES, tried_for_real

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["main"]

ROOT: Final = Path(__file__).parents[2]
RECORD: Final = ROOT / "docs" / "proofs" / "monitor.jsonl"
OWN_FOLDER: Final = re.compile(rf"({re.escape(socket.gethostname())}:)?/[a-z/]+/sm-[a-z]+-\w+")
"""What is of one run's own, and says nothing to anybody."""

PARTS: Final = ("data", "stores", "processes", "quiet")
SEEDED: Final = ("data", "quiet")
"""They vary by themselves; the others are what they are."""

ON_KIND: Final = "kind"
"""Needs the cluster, and is done only where it is asked for."""


def _trials(
    part: str, seed: int, is_chosen: Callable[[str], bool]
) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """Yield the name of each trial of a part, and what does it; of kind the chosen ones only."""
    if part == "quiet":
        for period in PERIODS:
            yield period, lambda period=period: quiet_days(period, seed=seed)  # type: ignore[misc]
    elif part == "data":
        for fault in FAULTS:
            yield fault.name, lambda fault=fault: tried(fault, seed=seed)  # type: ignore[misc]
    elif part == "stores":
        for name in STORES:
            yield name, lambda name=name: tried_for_real(name)  # type: ignore[misc]
    elif part == "processes":
        yield from PROCESSES.items()
    elif part == ON_KIND:
        from tests.monitor_drill.kind.trials import kind_trials  # noqa: PLC0415 (only where asked)

        yield from kind_trials(is_chosen)


def main(arguments: list[str] | None = None) -> int:
    """Run trials; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.monitor_drill", description=__doc__)
    parser.add_argument("parts", nargs="*", default=PARTS, metavar="|".join((*PARTS, ON_KIND)))
    parser.add_argument(
        "--only", default="", help="trials whose names have these words in them; several by commas"
    )
    parser.add_argument("--seeds", default="1", help="of the natural spread, by commas")
    parser.add_argument("--record", type=Path, default=RECORD)
    given = parser.parse_args(arguments)
    unknown = set(given.parts) - {*PARTS, ON_KIND}
    if unknown:
        parser.error(f"expected parts of {', '.join(PARTS)}, got {', '.join(sorted(unknown))}")

    def is_chosen(name: str) -> bool:
        return any(words in name for words in given.only.split(","))

    wrong = 0
    for part in given.parts:
        for seed in map(int, given.seeds.split(",") if part in SEEDED else ["1"]):
            for name, trial in _trials(part, seed, is_chosen):
                if is_chosen(name):
                    wrong += _written(part, name, trial, given.record, seed)
    return 1 if wrong else 0


def _written(
    part: str, name: str, trial: Callable[[], dict[str, Any]], record: Path, seed: int
) -> bool:
    """Do one trial, write its line, and tell whether it went wrong."""
    begun, cpu = time.monotonic(), time.process_time()
    line = {
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "revision": _revision(),
        "part": part,
        "where": "laptop",
        "seed": seed,
        **trial(),
        "took_s": round(time.monotonic() - begun, 1),
        "cpu_s": round(time.process_time() - cpu, 1),
    }
    record.parent.mkdir(parents=True, exist_ok=True)
    with record.open("a", encoding="utf-8") as file:
        file.write(OWN_FOLDER.sub("…", json.dumps(line, ensure_ascii=False)) + "\n")
    verdict = "WRONG: " + "; ".join(line["wrong"]) if line["wrong"] else "as it must be"
    noticed = (
        f"{line.get('check', '')} after {line['noticed_s']} s; " if "noticed_s" in line else ""
    )
    sys.stdout.write(f"{part}: {name} (seed {seed}): {noticed}{verdict}\n")
    sys.stdout.flush()
    return bool(line["wrong"])


def _revision() -> str:
    git = ["git", "-C", str(ROOT)]
    shown = [*git, "rev-parse", "--short", "HEAD"]
    head = subprocess.run(shown, check=True, capture_output=True, text=True).stdout.strip()
    changed = [*git, "status", "--porcelain", "--untracked-files=no"]
    dirty = subprocess.run(changed, check=True, capture_output=True, text=True).stdout.strip()
    return f"{head}+" if dirty else head


if __name__ == "__main__":
    sys.exit(main())
