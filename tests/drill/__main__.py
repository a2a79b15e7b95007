"""Break the platform while pipelines run, and look whether each step was done exactly once.

`python -m tests.drill --faults 20 --minutes 10 --seed 1` appends one JSON line a fault and one a
run to docs/proofs/drill.jsonl, and ends with 1 when a step was lost, doubled or falsely green.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import random
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.cluster.place import ROOT, Place
from tests.cluster.release import Release
from tests.cluster.testdags import install
from tests.drill.checker import steps
from tests.drill.faults import FAULTS, PLANNED, repair
from tests.drill.injecting import Injection, inject_all
from tests.drill.judging import DAG, deployed_revision, problems_of, way_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Drill", "main", "schedulers"]

RECORD = ROOT / "docs" / "proofs" / "drill.jsonl"


class Drill:
    """Run the pipeline again and again, with faults drawn from one seed."""

    def __init__(self, release: Release, seed: int, kinds: list[str], record: Path) -> None:
        self._release = release
        self._seed = seed
        self._rng = random.Random(seed)  # noqa: S311 (a drill is to be repeated, not to be secret)
        self._kinds = kinds
        self._deck: list[str] = []
        self._record = record
        self._schedulers = len(release.place.component("scheduler"))
        self.faults = 0
        self.wrong = 0

    def run_once(self, number: int, faults: int, spread_seconds: float) -> None:
        """Run the pipeline once, with some faults at random moments; check it afterwards."""
        mark = f"s{self._seed}_{int(time.time())}_{number}"
        drawn = [self._draw() for _ in range(faults)]
        planned = [
            Injection(kind, self._rng.uniform(0, spread_seconds), self._rng.randrange(2**32))
            for kind in drawn
        ]
        conf = self._conf(mark, drawn)
        began = dt.datetime.now(dt.UTC)
        run_id = self._release.airflow.trigger(DAG, conf=conf, run_id=f"drill-{mark}")
        done = inject_all(self._release.place, planned)
        ill = repair(self._release.place)
        problems = problems_of(self._release, run_id, mark)
        if ill:
            problems["not well again"] = ill
        took = (dt.datetime.now(dt.UTC) - began).total_seconds()
        self._write(run_id, conf, done, problems, took)

    def _draw(self) -> str:
        if not self._deck:
            self._deck = list(self._kinds)
            self._rng.shuffle(self._deck)
        return self._deck.pop()

    def _conf(self, mark: str, drawn: list[str]) -> dict[str, Any]:
        chosen = {
            parameter: self._rng.sample(steps(), 2) if kind in drawn else []
            for kind, parameter in PLANNED.items()
        }
        return {"mark": mark, "seconds": 3, **chosen}

    def _write(
        self,
        run_id: str,
        conf: dict[str, Any],
        done: list[Injection],
        problems: dict[str, list[str]],
        seconds: float,
    ) -> None:
        serious = {kind: names for kind, names in problems.items() if kind != "used a retry"}
        hit = [each for each in done if each.hit]
        self.faults += len(hit)
        self.wrong += bool(serious)
        line = {
            "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "revision": deployed_revision(self._release.place),
            "seed": self._seed,
            "run": run_id,
            "steps": len(steps()),
            "schedulers": self._schedulers,
            "way": way_of(self._release, run_id),
            "seconds": round(seconds, 1),
            "conf": conf,
            "faults": [each.record() for each in done],
            "problems": problems,
            "exactly_once": not serious,
        }
        self._record.parent.mkdir(parents=True, exist_ok=True)
        with self._record.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        told = ", ".join(f"{each.kind} at {each.after_seconds:.0f} s" for each in done)
        verdict = "each step exactly once" if not serious else f"WRONG: {json.dumps(serious)}"
        sys.stdout.write(f"{run_id}: {told}; {seconds:.0f} s; {verdict}\n")
        sys.stdout.flush()


@contextmanager
def schedulers(place: Place, count: int) -> Iterator[None]:
    """Run that many schedulers, each with its launcher; afterwards one, as the chart has it."""
    if count != 1:
        _scale(place, count)
    try:
        yield
    finally:
        if count != 1:
            _scale(place, 1)


def _scale(place: Place, count: int) -> None:
    scheduler = f"deployment/{place.release}-scheduler"
    place.kubectl("scale", scheduler, f"--replicas={count}", "-n", place.namespace)
    place.kubectl("rollout", "status", scheduler, "-n", place.namespace, seconds=300)


def main(arguments: list[str] | None = None) -> int:
    """Drill until enough faults were injected or the time is over; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.drill", description=__doc__)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=600)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100_000)
    parser.add_argument("--a-run", type=int, default=4, help="faults in one run")
    parser.add_argument("--spread", type=float, default=45, help="seconds they are spread over")
    parser.add_argument("--kinds", nargs="*", choices=sorted(FAULTS), default=sorted(FAULTS))
    parser.add_argument("--without", nargs="*", choices=sorted(FAULTS), default=[])
    parser.add_argument("--schedulers", type=int, default=1, help="that many at once")
    parser.add_argument("--record", type=Path, default=RECORD)
    given = parser.parse_args(arguments)
    kinds = [kind for kind in given.kinds if kind not in given.without]
    until = time.monotonic() + given.minutes * 60
    with Release(Place.find()) as release:
        install(release.place)
        release.airflow.wait_for_dag(DAG, seconds=300)
        # After the install: Helm refuses an upgrade over replicas that somebody has scaled.
        with schedulers(release.place, given.schedulers):
            drill = Drill(release, given.seed, kinds, given.record)
            number = 0
            while drill.faults < given.faults and time.monotonic() < until:
                number += 1
                drill.run_once(number, given.a_run, given.spread)
    sys.stdout.write(
        f"seed {given.seed}: {drill.faults} faults in {number} runs, {drill.wrong} runs wrong\n"
    )
    return 1 if drill.wrong or drill.faults < given.faults else 0


if __name__ == "__main__":
    sys.exit(main())
