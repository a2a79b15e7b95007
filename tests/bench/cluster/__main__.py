"""Measure the life of steps on the kind cluster, against its limit and against rivals.

`python -m tests.bench.cluster` runs all and prints one JSON line a measurement; names choose
some. `held` and `throughput` take no cluster but what `make cluster KWOK=1` has built: they run by
name only, on a control plane of their own with simulated nodes. So do `day` and `urgent`, where
Karpenter buys the nodes (`make cluster KARPENTER=1`).
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench.cluster.alone import Alone
from tests.bench.cluster.bare_pods import bare_pods
from tests.bench.cluster.day import Day
from tests.bench.cluster.day_curve import FULL_HOUR, HOURS
from tests.bench.cluster.day_stand import DayStand
from tests.bench.cluster.karpenter_plane import with_cores
from tests.bench.cluster.platform_cpu import PlatformCpu
from tests.bench.cluster.simulated import Simulated
from tests.bench.cluster.urgent import POOLS, VALUES, Urgent
from tests.cluster.ledger import attempts
from tests.cluster.place import ROOT, Place
from tests.cluster.release import Release
from tests.cluster.testdags import install

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Bench", "main"]

COUNTS = (1, 20, 50)
SETTLE_SECONDS = 3.0
MOMENTS = ("queued_at", "created_at", "scheduled_at", "started_at", "finished_at")


class Bench:
    """Measure one release; each method yields measurements as documents."""

    def __init__(self, release: Release, rounds: int, counts: Sequence[int] = COUNTS) -> None:
        self._release = release
        self._rounds = rounds
        self._counts = counts
        self._cpu = PlatformCpu(release.place)

    def side(self) -> None:
        """1, 20, 50 empty steps side by side and as many bare pods, alternating."""
        for count in self._counts:
            pairs = [
                (self._bare(count), self._run(f"bench_ours_{count}", count))
                for _ in range(self._rounds)
            ]
            self._compare("side by side", count, pairs)

    def chain(self) -> None:
        """Ten empty steps one after the other, and bare pods the same way."""
        pairs = [
            (self._bare(10, chain=True), self._run("bench_chain_10", 10))
            for _ in range(self._rounds)
        ]
        self._compare("chain", 10, pairs)

    def shards(self) -> None:
        """One step of 50 shards."""
        pairs = [(self._bare(50), self._run("bench_shards_50", 50)) for _ in range(self._rounds)]
        self._compare("shards", 50, pairs)

    def mapped(self) -> None:
        """Fifty mapped steps."""
        pairs = [(self._bare(50), self._run("bench_mapped_50", 50)) for _ in range(self._rounds)]
        self._compare("mapped", 50, pairs)

    def kpo(self) -> None:
        """Stock KubernetesPodOperator, a worker process a task."""
        self._rival("kpo")

    def kpo_deferrable(self) -> None:
        """Stock KubernetesPodOperator in its deferrable mode."""
        self._rival("kpo_deferrable")

    def idle(self) -> None:
        """What the platform uses with nothing to do, per second."""
        before, started = self._cpu.read(), time.monotonic()
        time.sleep(60)
        used = PlatformCpu.between(before, self._cpu.read())
        seconds = time.monotonic() - started
        _say({"what": "idle", "cpu_a_second": {k: round(v / seconds, 4) for k, v in used.items()}})

    def _rival(self, name: str) -> None:
        for count in self._counts:
            _say({"what": name, "steps": count, **self._run(f"bench_{name}_{count}", count)})

    def _bare(self, count: int, *, chain: bool = False) -> float:
        time.sleep(SETTLE_SECONDS)
        return asyncio.run(bare_pods(self._release.place, count, chain=chain))

    def _run(self, dag_id: str, count: int) -> dict[str, Any]:
        airflow = self._release.airflow
        airflow.wait_for_dag(dag_id)
        time.sleep(SETTLE_SECONDS)
        before, started = self._cpu.read(), dt.datetime.now(dt.UTC)
        run_id = airflow.trigger(dag_id)
        run = airflow.wait(dag_id, run_id, seconds=900, every=0.5)
        used = PlatformCpu.between(before, self._cpu.read())
        ended = dt.datetime.fromisoformat(run["end_date"])
        tasks = airflow.tasks(dag_id, run_id)
        return {
            "state": run["state"],
            "failed": sum(task["state"] != "success" for task in tasks),
            "wall_s": round((ended - started).total_seconds(), 2),
            "cpu_s": used,
            "cpu_s_a_step": round(used["sum"] / count, 3),
            "split_s": self._split(dag_id, run_id, started, tasks),
        }

    def _split(
        self, dag_id: str, run_id: str, started: dt.datetime, tasks: list[dict[str, Any]]
    ) -> dict[str, float]:
        """Return the median moment of each stage, in seconds after the trigger."""
        found = attempts(self._release, dag_id, run_id)
        if not found:
            return {}
        ends = {(task["task_id"], task["map_index"]): task["end_date"] for task in tasks}
        stages = {name: [row[name] for row in found if row[name]] for name in MOMENTS}
        stages["marked"] = [
            dt.datetime.fromisoformat(ends[row["step"], row["map_index"]])
            for row in found
            if ends.get((row["step"], row["map_index"]))
        ]
        return {
            name: round(statistics.median((each - started).total_seconds() for each in moments), 2)
            for name, moments in stages.items()
            if moments
        }

    def _compare(self, what: str, count: int, pairs: list[tuple[float, dict[str, Any]]]) -> None:
        limits = [limit for limit, _ in pairs]
        walls = [run["wall_s"] for _, run in pairs]
        ratios = sorted(wall / limit for limit, wall in zip(limits, walls, strict=True))
        _say(
            {
                "what": what,
                "steps": count,
                "bare_s": [round(each, 2) for each in limits],
                "ours_s": walls,
                "ratio_median": round(statistics.median(ratios), 2),
                "ratio_spread": [round(ratios[0], 2), round(ratios[-1], 2)],
                "added_s_median": round(
                    statistics.median(w - b for b, w in zip(limits, walls, strict=True)), 2
                ),
                "runs": [run for _, run in pairs],
            }
        )


def _alone(given: argparse.Namespace) -> list[dict[str, Any]]:
    """Return what simulated steps cost, each part on a stand of its own."""
    found = []
    settings = dict(each.split("=", 1) for each in given.set)
    for name in given.parts:
        with Alone(given.dags, given.steps, settings) as stand:
            simulated = Simulated(stand, given.steps)
            if name == "held":
                measured = simulated.held(given.dags, given.seconds or 300.0)
            else:
                measured = simulated.throughput(given.total, given.seconds or 1.0)
        found.append({**measured, "settings": settings, "load": os.getloadavg()})
    return found


def _day(given: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of a day on nodes that Karpenter buys."""
    pools = {"steps-small": with_cores("steps-small", given.cores)} if given.cores else {}
    with DayStand("day_analytics.py", pools) as stand:
        found = Day(stand, given.hour_seconds, given.samples, given.hours).run()
    return {**found, "cores_of_nodes": given.cores or "as on EKS", "load": os.getloadavg()}


def _urgent() -> dict[str, Any]:
    """Return who went first where every node was taken."""
    with DayStand("urgent_first.py", POOLS, VALUES) as stand:
        return Urgent(stand).run()


def _say(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"revision": _revision(), **document}) + "\n")
    sys.stdout.flush()


def _revision() -> str:
    command = ["git", "describe", "--always", "--dirty=+"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def main(arguments: list[str] | None = None) -> int:
    """Run the named measurements, all by default."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.cluster", description=__doc__)
    parts = ("idle", "side", "chain", "shards", "mapped", "kpo", "kpo_deferrable")
    named = (*parts, "held", "throughput", "day", "urgent")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(named))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS, choices=COUNTS)
    parser.add_argument("--dags", type=int, default=40, help="simulated pipelines")
    parser.add_argument("--steps", type=int, default=50, help="of each of them")
    parser.add_argument("--total", type=int, default=5000, help="steps of `throughput`")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--seconds", type=float, default=0.0, help="how long a simulated step runs")
    parser.add_argument("--hour-seconds", type=float, default=FULL_HOUR, help="of `day`")
    parser.add_argument("--hours", type=int, default=HOURS, help="of `day`; then the burst")
    parser.add_argument("--cores", type=int, nargs="+", help="that `day`'s small nodes may have")
    parser.add_argument("--samples", type=Path, default=Path("build/day-samples.csv"))
    given = parser.parse_args(arguments)
    # Whoever ends the measurement ends what it has started as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if "day" in given.parts:
        _say(_day(given))
    if "urgent" in given.parts:
        _say(_urgent())
    if set(given.parts) & {"day", "urgent"}:
        return 0
    if set(given.parts) & {"held", "throughput"}:
        for document in _alone(given):
            _say(document)
        return 0
    with Release(Place.find()) as release:
        install(release.place)
        bench = Bench(release, given.rounds, given.counts)
        for name in given.parts or parts:
            measure: Callable[[], None] = getattr(bench, name)
            measure()
    return 0


if __name__ == "__main__":
    sys.exit(main())
