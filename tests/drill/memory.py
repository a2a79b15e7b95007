"""Let steps run out of memory, and look whether each ends green at the right size.

`python -m tests.drill.memory --times 100` appends one JSON line a step to
docs/proofs/memory.jsonl and ends with 1 when one did not; `--compare` measures growing in place
against the retry, one JSON line a way and rate.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import json
import sys
import time
from typing import TYPE_CHECKING, Any

from stationmaster.airflow.life.attempts import live, release
from stationmaster.airflow.life.stopping import StopSignal
from tests.cluster.growing_steps import growing_plan, parent_plan
from tests.cluster.life_place import life_place
from tests.cluster.place import ROOT, Place
from tests.drill.judging import deployed_revision

if TYPE_CHECKING:
    from collections.abc import Callable

    from stationmaster.airflow.life.plan import StepPlan
    from tests.cluster.life_place import LifePlace

__all__ = ["main"]

RECORD = ROOT / "docs" / "proofs" / "memory.jsonl"
MIB = 2**20
AT_ONCE = 5
KINDS: dict[str, tuple[Callable[[LifePlace], StepPlan], int]] = {
    "the main process, needs twice as much": (
        lambda home: growing_plan(home, mib=125, mib_a_second=60),
        256,
    ),
    "the main process, needs four times as much": (
        lambda home: growing_plan(home, mib=320, mib_a_second=60),
        512,
    ),
    "a child, whose parent survives and fails": (lambda home: parent_plan(home, mib=150), 256),
}
"""What is killed at 128 MiB, and the MiB at which it must be done. All use our runner's meter: what
a foreign image's kill leaves to see on cgroup v1 is counted in docs/reliability.md."""

RATES = (5.0, 20.0, 60.0)
"""MiB a second at which a step of `--compare` grows."""


async def one(home: LifePlace, plan: StepPlan) -> dict[str, Any]:
    """Live a step, and return how it ended, with what each attempt had."""
    began = time.monotonic()
    async with home.platform() as platform:
        end = await live(plan, platform, StopSignal())
        await release(plan, end, platform)
    mine = [each for each in home.records if each.try_id == plan.context.try_id]
    return {
        "verdict": str(end.verdict),
        "asked_mib": [
            (each.asked_memory_bytes or 0) // MIB for each in sorted(mine, key=lambda it: it.key)
        ],
        "seconds": round(time.monotonic() - began, 1),
    }


def drill(home: LifePlace, times: int) -> int:
    """Let so many steps run out of memory; return how many did not end as they must."""
    wrong = 0
    names = list(KINDS)
    for first in range(0, times, AT_ONCE):
        chosen = [
            names[number % len(names)] for number in range(first, min(first + AT_ONCE, times))
        ]
        plans = [KINDS[name][0](home) for name in chosen]

        async def batch(plans: list[StepPlan] = plans) -> list[dict[str, Any]]:
            return list(await asyncio.gather(*(one(home, plan) for plan in plans)))

        for name, found in zip(chosen, asyncio.run(batch()), strict=True):
            right = found["verdict"] == "succeeded" and found["asked_mib"][-1] == KINDS[name][1]
            wrong += not right
            _write(home.place, {"kind": name, "must_mib": KINDS[name][1], "right": right, **found})
    return wrong


def compare(home: LifePlace) -> None:
    """Measure, side by side, a step with enough memory, one that grows and one that is killed."""
    for rate in RATES:
        ways = {
            "enough from the start": growing_plan(home, mib=125, mib_a_second=rate, limit="256Mi"),
            "grows in place": growing_plan(home, mib=125, mib_a_second=rate, in_place=True),
            "tried again": growing_plan(home, mib=125, mib_a_second=rate),
        }
        for way, plan in ways.items():
            line = {"way": way, "mib_a_second": rate, **asyncio.run(one(home, plan))}
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()


def _write(place: Place, found: dict[str, Any]) -> None:
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    line = json.dumps({"at": now, "revision": deployed_revision(place), **found})
    with RECORD.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(arguments: list[str] | None = None) -> int:
    """Drill or compare; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.drill.memory", description=__doc__)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--compare", action="store_true")
    given = parser.parse_args(arguments)
    with life_place(Place.find()) as home:
        if given.compare:
            compare(home)
            return 0
        wrong = drill(home, given.times)
    sys.stdout.write(f"{given.times} steps ran out of memory, {wrong} did not end as they must\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
