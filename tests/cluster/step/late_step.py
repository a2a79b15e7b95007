"""A step whose first attempt stages its row and then waits for a word before it goes on."""

from __future__ import annotations

import sys
import time
import uuid
from pathlib import Path

import polars as pl

from stationmaster.step import Outputs, StepContext, job

WORD = Path("/tmp/go")  # noqa: S108 (an emptyDir of the pod's own)


@job
def run(outputs: Outputs, context: StepContext) -> None:
    """Stage one row that says who wrote it; the runner publishes it when this returns."""
    row = {
        "step": context.step,
        "nonce": uuid.uuid4().hex,
        "parent": "",
        "try_id": context.try_id,
        "try_number": context.try_number,
        "attempt": context.attempt,
    }
    outputs.write("drill_a", pl.DataFrame([row]))
    sys.stdout.write(f"attempt {context.attempt} has staged\n")
    sys.stdout.flush()
    while context.attempt == 1 and not WORD.exists():
        time.sleep(0.2)


if __name__ == "__main__":
    run.main()
