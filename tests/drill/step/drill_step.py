"""The drill's step: waits, misbehaves once where it is told to, publishes one row of one day.

It is mounted into the image of any job; the row tells which attempt wrote it, and from which
upstream row, so that a doubled, lost or empty step shows in the tables.
"""

from __future__ import annotations

import sys
import time
import uuid

import polars as pl

from stationmaster.step import Inputs, Outputs, Params, StepContext, job

MEBIBYTE = 1024 * 1024


class Drill(Params):
    """What this step does beside its work."""

    dataset: str
    upstream: str = ""
    seconds: float = 3.0
    eat_mib: int = 0
    long_line_mib: int = 0


@job
def run(params: Drill, inputs: Inputs, outputs: Outputs, context: StepContext) -> None:
    """Publish one row that says who wrote it and what it was made from."""
    parent = ""
    if params.upstream:
        parent = str(inputs.table(params.upstream).collect()["nonce"].item())
    for number in range(params.long_line_mib):
        sys.stdout.write(f"{number}" + "x" * MEBIBYTE + "\n")
    sys.stdout.flush()
    first = context.attempt == 1 and context.try_number == 1
    eaten = [b"x" * MEBIBYTE for _ in range(params.eat_mib if first else 0)]
    time.sleep(params.seconds)
    del eaten
    row = {
        "step": context.step,
        "nonce": uuid.uuid4().hex,
        "parent": parent,
        "try_id": context.try_id,
        "try_number": context.try_number,
        "attempt": context.attempt,
    }
    outputs.write(params.dataset, pl.DataFrame([row]))


if __name__ == "__main__":
    run.main()
