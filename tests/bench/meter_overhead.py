"""What the meter costs: CPU of a process that is measured, less the same that is not.

Three kinds of steps: one that waits, one that works (it counts, and so holds the interpreter), and
one whose three children wait. Each is a process of its own with and without a meter, in alternating
pairs; the share is of one core, over the time that the step ran.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from tempfile import TemporaryDirectory

__all__ = ["main"]

PAIRS = 5
SECONDS = 10
STEPS = {
    "waits": f"time.sleep({SECONDS})",
    "works": """
total = 0
for number in range(60_000_000):
    total += number
""",
    "has three children": f"""
children = [subprocess.Popen(["sleep", "{SECONDS}"]) for _ in range(3)]
for child in children:
    child.wait()
""",
}
MEASURED = """
import json, os, subprocess, time
from contextlib import nullcontext
from pathlib import Path
from stationmaster.step.meter import Meter

def tick():
    os.replace(write(), "{folder}/result.json")

def write():
    Path("{folder}/next.json").write_text(meter.measurements().model_dump_json())
    return "{folder}/next.json"

meter = Meter(on_tick=tick)
cpu, began = time.process_time(), time.monotonic()
with meter if {metered} else nullcontext():
    {step}
print(json.dumps([time.process_time() - cpu, time.monotonic() - began]))
"""


def once(step: str, *, metered: bool, folder: str) -> tuple[float, float]:
    """Run one step; return its own CPU seconds and its wall seconds."""
    indented = "\n    ".join(step.strip().splitlines())
    code = MEASURED.format(step=indented, metered=metered, folder=folder)
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    cpu, wall = json.loads(done.stdout)
    return float(cpu), float(wall)


def main() -> None:
    """Measure alternating pairs, and print the meter's share of a core as JSON."""
    found: dict[str, object] = {}
    with TemporaryDirectory() as folder:
        for name, step in STEPS.items():
            pairs = [
                (once(step, metered=True, folder=folder), once(step, metered=False, folder=folder))
                for _ in range(PAIRS)
            ]
            shares = [(ours[0] - bare[0]) / ours[1] * 100 for ours, bare in pairs]
            found[name] = {
                "percent_of_a_core": round(statistics.median(shares), 2),
                "least": round(min(shares), 2),
                "most": round(max(shares), 2),
                "seconds": round(statistics.median(ours[1] for ours, _ in pairs), 1),
            }
    print(json.dumps(found | {"pairs": PAIRS}))  # noqa: T201 (the figures are this script's output)


if __name__ == "__main__":
    main()
