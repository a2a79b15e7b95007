"""Run every benchmark that docs/benchmarks.md quotes; print one JSON line for each.

`python -m tests.bench` runs all, `python -m tests.bench dag_import step_overhead` some of them.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path

__all__ = ["BENCHES", "main"]

ROOT = Path(__file__).parents[2]
BENCHES = {
    "dag_import": "milliseconds of a DAG file beyond importing KubernetesPodOperator",
    "parsing": "CPU time of a step while a DAG file is parsed, ours and KubernetesPodOperator's",
    "step_overhead": "what the contract adds to an empty Python process",
    "meter_overhead": "the share of a core that measuring a step costs",
    "extract_ratio": "extraction against a bare polars script",
    "merge_scale": "merge of a day of 1,000, 10,000, 100,000 orders",
    "identity_febrl4": "record linkage on FEBRL4",
    "identity_quality": "error of the unified customer count on days not used for tuning",
    "size_lookups": "what finding fifty steps' sizes costs the launcher",
    "sizing": "wasted memory and out-of-memory by replay; sizes of ten million attempts",
}


def revision() -> str:
    """Return the revision that is measured, with a + where the tree has changes."""
    command = ["git", "describe", "--always", "--dirty=+"]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()


def main(names: list[str]) -> int:
    """Run the named benchmarks, all by default; return how many failed."""
    unknown = sorted(set(names) - BENCHES.keys())
    if unknown:
        sys.stderr.write(f"unknown: {', '.join(unknown)}; there are: {', '.join(BENCHES)}\n")
        return 2
    failed = 0
    for name in names or BENCHES:
        sys.stderr.write(f"{name}: {BENCHES[name]}\n")
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name(f"{name}.py"))],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            failed += 1
            continue
        record = {"bench": name, "revision": revision(), "python": platform.python_version()}
        sys.stdout.write(json.dumps(record | {"result": json.loads(done.stdout)}) + "\n")
        sys.stdout.flush()
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
