"""Let the ledger size a step of the release, run after run, and look what it was given.

`python -m tests.drill.sizes --runs 8` turns `steps.sizing: apply` on, runs `sized_probe` so often,
appends one JSON line a run to docs/proofs/sizes.jsonl, and ends with 1 unless the step was given
what it declares until it had run five times, and soon after that less, and was done each time.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
import time
from typing import Any

from tests.cluster.ledger import attempts
from tests.cluster.place import ROOT, Place
from tests.cluster.release import Release
from tests.cluster.testdags import helm_upgrade, install
from tests.drill.judging import deployed_revision

__all__ = ["main"]

DAG = "sized_probe"
RECORD = ROOT / "docs" / "proofs" / "sizes.jsonl"
KNOWN_RUNS = 5
"""Until a step has run so often, what it declares stands (docs/sizing.md)."""
MIB = 2**20


def run_once(release: Release, number: int, revision: str) -> dict[str, Any]:
    """Run the step once, and return what it asked for, used, and why."""
    run_id = f"sizes-{int(time.time())}-{number}"
    release.airflow.trigger(DAG, conf={"mark": run_id.replace("-", "_")}, run_id=run_id)
    state = release.airflow.wait(DAG, run_id, seconds=300)["state"]
    (attempt,) = attempts(release, DAG, run_id)
    return {
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "revision": revision,
        "run": run_id,
        "state": state,
        "declared_mib": (attempt["declared_memory_bytes"] or 0) // MIB,
        "asked_mib": attempt["asked_memory_bytes"] // MIB,
        "peak_mib": (attempt["peak_memory_bytes"] or 0) // MIB,
        "why": attempt["size_why"],
    }


def right(lines: list[dict[str, Any]]) -> bool:
    """Tell whether the sizes of these runs, from the first on, are as promised."""
    early, late = lines[:KNOWN_RUNS], lines[KNOWN_RUNS:]
    return (
        all(line["state"] == "success" for line in lines)
        and len({line["asked_mib"] for line in early}) == 1
        and all(line["peak_mib"] < line["asked_mib"] for line in late)
        # The launcher reads a step's past again after half a minute: one run may come too early.
        and late[-1]["asked_mib"] < early[0]["asked_mib"]
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the step so often; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.drill.sizes", description=__doc__)
    parser.add_argument("--runs", type=int, default=8)
    given = parser.parse_args(arguments)
    lines = []
    with Release(Place.find()) as release:
        install(release.place)
        helm_upgrade(release.place, {"steps": {"sizing": "apply"}})
        release.airflow.wait_for_dag(DAG, seconds=300)
        revision = deployed_revision(release.place)
        for number in range(1, given.runs + 1):
            lines.append(run_once(release, number, revision))
            with RECORD.open("a", encoding="utf-8") as file:
                file.write(json.dumps(lines[-1]) + "\n")
            sys.stdout.write(json.dumps(lines[-1]) + "\n")
            sys.stdout.flush()
        helm_upgrade(release.place, {"steps": {"sizing": "recommend"}})
    return 0 if right(lines) else 1


if __name__ == "__main__":
    sys.exit(main())
