"""Measure a big morning's steps in one piece and in as many shards as the rule asks for.

Run `python -m tests.bench.fanout [orders]` (100,000 by default); it prints one JSON document. Each
step runs on the laptop's runner, a process a shard, as many at a time as there are processors:
`wall_seconds` is the whole step's, `cpu_seconds` all shards', `peak_mib` the largest shard's. At
the end the tables of both ways are compared, value by value.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stationmaster.airflow.process import LocalRun
from stationmaster.ledger.fanout import Volume, shards_for
from stationmaster.sources.days import generate_day
from stationmaster.sources.retail import fetch
from stationmaster.sources.support_api import running_api, token
from stationmaster.sources.world import World
from stationmaster.step.jobfile import jobs_folder, load_job, local_command
from stationmaster.step.protocol import Shard, StepContext
from stationmaster.step.run_step import new_try_id
from stationmaster.step.settings import Settings
from tests.pipeline.mornings import EXTRACTED, MERGED, Mornings, differences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stationmaster.airflow.process import ShardOutcome

__all__ = ["main", "measure"]

DAY = dt.date(2010, 11, 17)
ON_MEDIAN_DAY = 10_000 / 18_887
"""Orders of a median trading day for each order of this one."""
JOBS = ("extract-web", "extract-app", "extract-delivery", "extract-support", "merge-customers")
FOLDER = Path(".stationmaster/bench/fanout")


def measure(home: Path, name: str, shards: int) -> dict[str, float]:
    """Run a step in so many shards and say what it took."""
    settings = Settings(home=home)
    job = load_job(jobs_folder(settings), name)
    whole = StepContext(
        pipeline="bench",
        run_id=f"bench-{shards}",
        step=job.package,
        job=name,
        try_id=new_try_id(),
        business_date=DAY,
        params=job.params,
        inputs=tuple(job.inputs),
        outputs=tuple(job.outputs),
    )
    contexts = [
        whole.model_copy(update={"shard": Shard(index=index, count=shards)})
        for index in range(shards)
    ]
    command = local_command(job, jobs_folder(settings))
    run = LocalRun(contexts, command, env=dict(os.environ), grace_seconds=30)
    started = time.perf_counter()
    ends = run.run(lambda _shard, _line: None)
    return {"shards": shards, "wall_seconds": time.perf_counter() - started, **used(ends)}


def used(ends: Sequence[ShardOutcome]) -> dict[str, float]:
    """Sum up what shards say they used.

    Raises:
        RuntimeError: One of them failed.
    """
    results = [end.outcome.result for end in ends if end.outcome.result is not None]
    if len(results) < len(ends) or not all(end.outcome.done for end in ends):
        message = "\n".join(line for end in ends if not end.outcome.done for line in end.tail)
        raise RuntimeError(message)
    told = [result.measurements for result in results]
    return {
        "cpu_seconds": sum(each.cpu_seconds for each in told),
        "peak_mib": max(each.peak_memory_bytes for each in told) / 2**20,
        "longest_shard_seconds": max(each.wall_seconds for each in told),
        "rows_read": sum(each.rows_read for each in told),
    }


def prepare(home: Path, data: Path, orders: int) -> None:
    """Let the sources deliver a day of so many orders, where they have not."""
    settings = Settings(home=home, data=data)
    if (Path(settings.landing_location) / "web" / str(DAY) / "_SUCCESS").exists():
        return
    retail = fetch(settings, progress=_say)
    world = World(retail, seed=1, orders_a_day=round(orders * ON_MEDIAN_DAY))
    generate_day(world, settings, DAY)
    token(settings)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def main() -> None:
    """Print what each step takes in one piece and in shards, and which tables differ."""
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    split = shards_for(Volume(orders, 0)).shards
    report: dict[str, Any] = {"orders": orders, "processors": os.cpu_count(), "steps": {}}
    tables, data = [], Settings().data_folder.absolute()
    for count in (1, split):
        home = (FOLDER / f"{orders}-{count}").absolute()
        prepare(home, data, orders)
        os.environ["STATIONMASTER_HOME"] = str(home)
        with running_api(Settings(home=home)) as url:
            os.environ["STATIONMASTER_SUPPORT_API_URL"] = url
            for name in JOBS:
                _say(f"{name} in {count} shards, load {os.getloadavg()[0]:.0f}")
                taken = measure(home, name, count)
                told = {key: round(value, 2) for key, value in taken.items()}
                report["steps"].setdefault(name, []).append(told)
        tables.append(Mornings(home).tables((*EXTRACTED, *MERGED), [DAY]))
    report["tables_that_differ"] = differences(*tables)
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
