"""Upgrade the release while thirty steps run: every part of the platform gets new pods.

`python -m tests.drill.upgrading --times 20` adds one JSON line an upgrade to
docs/proofs/upgrades.jsonl, and ends with 1 when a step failed, was lost or doubled.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import random
import sys
import time
from typing import Any

from tests.cluster.place import ROOT, Place
from tests.cluster.release import Release
from tests.cluster.testdags import helm_upgrade, install
from tests.drill.checker import steps
from tests.drill.judging import DAG, deployed_revision, problems_of, way_of

__all__ = ["main"]

RECORD = ROOT / "docs" / "proofs" / "upgrades.jsonl"


def upgrade_once(release: Release, seed: int, number: int) -> dict[str, Any]:
    """Start a run, upgrade at a random moment of it, and judge the run."""
    rng = random.Random(f"{seed}-{number}")  # noqa: S311 (repeatable, not secret)
    mark = f"u{seed}_{int(time.time())}_{number}"
    conf = {"mark": mark, "seconds": 6, "eat": [], "lines": []}
    began = time.monotonic()
    run_id = release.airflow.trigger(DAG, conf=conf, run_id=f"upgrade-{mark}")
    after = rng.uniform(2, 30)
    time.sleep(after)
    # A new value in the settings of all parts: each gets new pods.
    helm_upgrade(release.place, {"airflow": {"environment": {"STATIONMASTER_DRILL": mark}}})
    upgraded = time.monotonic() - began
    problems = problems_of(release, run_id, mark)
    serious = {kind: names for kind, names in problems.items() if kind != "used a retry"}
    return {
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "revision": deployed_revision(release.place),
        "seed": seed,
        "run": run_id,
        "steps": len(steps()),
        "way": way_of(release, run_id),
        "after_s": round(after, 1),
        "upgraded_s": round(upgraded, 1),
        "seconds": round(time.monotonic() - began, 1),
        "problems": problems,
        "exactly_once": not serious,
    }


def main(arguments: list[str] | None = None) -> int:
    """Upgrade so many times; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.drill.upgrading", description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100_000)
    given = parser.parse_args(arguments)
    wrong = 0
    with Release(Place.find()) as release:
        install(release.place)
        release.airflow.wait_for_dag(DAG, seconds=300)
        for number in range(1, given.times + 1):
            line = upgrade_once(release, given.seed, number)
            wrong += not line["exactly_once"]
            RECORD.parent.mkdir(parents=True, exist_ok=True)
            with RECORD.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()
    sys.stdout.write(f"{given.times} upgrades, {wrong} runs wrong\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
