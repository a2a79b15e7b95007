"""Measure what keeping a log costs: `python -m tests.logs.measure [MEGABYTES] [ROUNDS]`.

Each round runs the same step without and with a log store, in turns, then reads the log as
Airflow's page does. CPU seconds say more than wall seconds on a machine that others use too.
"""

from __future__ import annotations

import datetime as dt
import os
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

from stationmaster.step.process import run_process
from stationmaster.step.protocol import StepContext
from stationmaster.step.run_step import new_try_id

__all__ = ["main"]

PACKAGES = Path(__file__).parent / "packages"
LOG_PATH = "dag_id=measure/run_id=r/task_id=noisy/attempt=1.log"


def run_step(megabytes: int, home: Path, logs: str) -> tuple[float, float]:
    """Return wall and CPU seconds of a step that prints so much in lines of 100 bytes."""
    context = StepContext(
        pipeline="measure",
        run_id="r",
        step="noisy",
        job="noisy",
        try_id=new_try_id(),
        business_date=dt.date(2011, 11, 21),
        params={"lines": megabytes * 10_000},
    )
    variables = {
        "PYTHONPATH": str(PACKAGES),
        "STATIONMASTER_HOME": str(home),
        "STATIONMASTER_LOGS": logs,
    }
    command = [sys.executable, "-m", "stationmaster.step", "noisy"]
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    outcome = run_process(context, command, on_line=lambda _: None, env=variables)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if outcome.exit_code != 0:
        message = f"expected exit code 0, got {outcome.exit_code}"
        raise RuntimeError(message)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - started, cpu


def read_log(logs: str) -> tuple[int, float, float]:
    """Return the number of lines, seconds of our reader, and of Airflow's page in all."""
    os.environ["STATIONMASTER_LOGS"] = logs
    from airflow.utils.log.file_task_handler import _interleave_logs  # noqa: PLC0415 (slow)
    from airflow.utils.log.log_stream_accumulator import (  # noqa: PLC0415 (slow)
        LogStreamAccumulator,
    )

    from stationmaster.airflow.logs.remote import StepLogIO  # noqa: PLC0415 (Airflow first)
    from tests.logs.shown import Row  # noqa: PLC0415 (as above)

    reader, row = StepLogIO("/nonexistent"), Row("", "success")
    started = time.monotonic()
    lines = sum(1 for stream in reader.stream(LOG_PATH, row)[1] for _ in stream)
    ours = time.monotonic() - started
    started = time.monotonic()
    merged = _interleave_logs(*reader.stream(LOG_PATH, row)[1])
    with LogStreamAccumulator(merged, 5000) as counted:
        shown = sum(1 for _ in counted.stream)
    if shown != lines:
        message = f"expected {lines} lines on the page, got {shown}"
        raise RuntimeError(message)
    return lines, ours, time.monotonic() - started


def main(arguments: list[str]) -> None:
    """Print the medians."""
    megabytes = int(arguments[0]) if arguments else 100
    rounds = int(arguments[1]) if len(arguments) > 1 else 5
    without, with_store = [], []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            logs = f"{folder}/logs-{number}"
            without.append(run_step(megabytes, Path(folder) / "home", ""))
            with_store.append(run_step(megabytes, Path(folder) / "home", logs))
        for name, at in (("wall", 0), ("cpu", 1)):
            plain = statistics.median(each[at] for each in without)
            kept = statistics.median(each[at] for each in with_store)
            report(f"{name}: {plain:.2f} s without, {kept:.2f} s with, ratio {kept / plain:.2f}")
        lines, ours, page = read_log(f"{folder}/logs-{rounds - 1}")
    report(f"read: {lines:,} lines, {ours:.1f} s to give to Airflow, {page:.1f} s for its page")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    report(f"peak memory of the reading process: {peak:.0f} MiB")


def report(line: str) -> None:
    """Print a line of the result."""
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
