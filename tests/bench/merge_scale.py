"""Measure the merge of one day of 1,000, 10,000 and 100,000 orders: rows, seconds, memory.

Run `python tests/bench/merge_scale.py`; it prints one JSON document. Each volume runs once, in a
process of its own, which reads the extracts from Parquet files and merges them: `peak_mib` is the
whole process. Another process generates them before, where they are not there yet. `growth` says,
from each volume to the next, how many times more rows, wall time, CPU time and memory there are:
time grows no faster than the rows when its factor is no larger.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import resource
import subprocess
import sys
import time

from merge_customers.job import DATASETS, merge
from tests.bench.identity_days import generated

__all__ = ["grown", "main", "measure"]

DAY = dt.date(2010, 11, 17)
VOLUMES = (1_000, 10_000, 100_000)


def measure(orders_a_day: int) -> dict[str, float]:
    """Merge one day and say what it took."""
    days = generated(DAY, DAY, orders_a_day)
    rows = sum(getattr(days.extracts, name).collect().height for name in DATASETS)
    started, cpu = time.perf_counter(), time.process_time()
    tables = merge(days.extracts, DAY)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    return {
        "rows": rows,
        "orders": tables["unified_orders"].height,
        "customers": tables["unified_customers"].height,
        "wall_seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "rows_per_second": round(rows / seconds),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def grown(less: dict[str, float], more: dict[str, float]) -> dict[str, float]:
    """Give how many times more the larger of two volumes has and takes."""
    names = ("rows", "orders", "wall_seconds", "cpu_seconds", "peak_mib")
    return {name: round(more[name] / less[name], 1) for name in names}


def main() -> None:
    """Print one measurement for each volume, or for the one that is given (or generate its day)."""
    if sys.argv[2:] == ["generate"]:
        generated(DAY, DAY, int(sys.argv[1]))
        return
    if len(sys.argv) > 1:
        sys.stdout.write(json.dumps(measure(int(sys.argv[1]))))
        return
    report = []
    for volume in VOLUMES:
        command = [sys.executable, __file__, str(volume)]
        subprocess.run([*command, "generate"], check=True)
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        report.append(json.loads(done.stdout))
    growth = [grown(*step) for step in itertools.pairwise(report)]
    sys.stdout.write(json.dumps({"merge": report, "growth": growth}, indent=2) + "\n")


if __name__ == "__main__":
    main()
