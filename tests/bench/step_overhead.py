"""What the platform adds to a step on a laptop: an empty step against an empty Python process.

Both import the same modules; what differs is the contract itself: starting by `run_process`,
reading the context, the meter, the result file. Pairs alternate, medians are printed.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from stationmaster.step.process import run_process
from stationmaster.step.protocol import StepContext

__all__ = ["main"]

PAIRS = 15
EMPTY_JOB = """
from stationmaster.step import job

@job
def run() -> None:
    return None
"""
EMPTY_PROCESS = "import empty_job, stationmaster.step.runner"


def empty_step(home: Path) -> float:
    """Run an empty step by the contract; return its wall time in seconds."""
    context = StepContext(
        pipeline="bench",
        run_id="bench",
        step="empty",
        job="empty-job",
        try_id="bench",
        business_date=dt.date(2011, 11, 21),
    )
    started = time.perf_counter()
    outcome = run_process(
        context,
        [sys.executable, "-c", "from empty_job import run; run.main()"],
        on_line=lambda _: None,
        env=environment(home),
        cwd=home,
    )
    if outcome.exit_code:
        message = f"the empty step ended with {outcome.exit_code}: {outcome.result}"
        raise RuntimeError(message)
    return time.perf_counter() - started


def empty_process(home: Path) -> float:
    """Start Python with the same imports and nothing else; return its wall time in seconds."""
    started = time.perf_counter()
    command = [sys.executable, "-c", EMPTY_PROCESS]
    subprocess.run(command, check=True, env=environment(home), cwd=home)
    return time.perf_counter() - started


def environment(home: Path) -> dict[str, str]:
    """Return this process's environment with the empty job importable."""
    return dict(os.environ) | {"PYTHONPATH": str(home), "STATIONMASTER_HOME": str(home)}


def main() -> None:
    """Measure alternating pairs and print medians in milliseconds as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "empty_job.py").write_text(EMPTY_JOB, encoding="utf-8")
        pairs = [(empty_step(home), empty_process(home)) for _ in range(PAIRS + 1)][1:]
    step = statistics.median(pair[0] for pair in pairs) * 1000
    process = statistics.median(pair[1] for pair in pairs) * 1000
    added = statistics.median(pair[0] - pair[1] for pair in pairs) * 1000
    print(  # noqa: T201 (the figures are this script's output)
        json.dumps(
            {
                "empty_step_ms": round(step, 1),
                "empty_process_ms": round(process, 1),
                "platform_adds_ms": round(added, 1),
                "pairs": PAIRS,
            }
        )
    )


if __name__ == "__main__":
    main()
