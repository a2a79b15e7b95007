"""Measure the merge of one day of 1,000, 10,000 and 100,000 orders: seconds, memory, rows.

Run `python tests/bench/merge_scale.py`; it prints one JSON document. Each volume runs in a process
of its own, which reads the extracts from Parquet files and merges them: `peak_mib` is the whole
process. `cpu_seconds_per_10x_rows` is how many times more ten times the rows take: 10 is in line.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import math
import resource
import subprocess
import sys
import time

from merge_customers.job import DATASETS, merge
from tests.bench.identity_days import generated

__all__ = ["main", "measure"]

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
        "orders": tables["unified_orders"].height,
        "rows_read": rows,
        "customers": tables["unified_customers"].height,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "rows_a_second": round(rows / seconds),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> None:
    """Print one measurement for each volume, or for the one that is given."""
    if len(sys.argv) > 1:
        sys.stdout.write(json.dumps(measure(int(sys.argv[1]))))
        return
    report = []
    for volume in VOLUMES:
        generated(DAY, DAY, volume)
        command = [sys.executable, __file__, str(volume)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        report.append(json.loads(done.stdout))
    growth = [
        round(
            (b["cpu_seconds"] / a["cpu_seconds"])
            ** (1 / math.log10(b["rows_read"] / a["rows_read"])),
            1,
        )
        for a, b in itertools.pairwise(report)
    ]
    sys.stdout.write(
        json.dumps({"merge": report, "cpu_seconds_per_10x_rows": growth}, indent=2) + "\n"
    )


if __name__ == "__main__":
    main()
