"""A step that prints 100 MB, lines of a mebibyte and a secret; mounted into a job's image."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from stationmaster.step import Inputs, Params, job


class Noisy(Params):
    """How much to print."""

    lines: int = 0
    long_lines: int = 0
    long_line_bytes: int = 1 << 20


@job
def run(params: Noisy, inputs: Inputs) -> None:
    """Print numbered lines, every so often a long one, and the secret in every way there is."""
    secret = inputs.secret("token")
    every = params.lines // max(params.long_lines, 1)
    for number in range(params.lines):
        is_long = number % every == 0 and number // every < params.long_lines
        size = params.long_line_bytes if is_long else 100
        sys.stdout.write(f"{number:08d}{'x' * (size - 9)}\n")
    sys.stdout.write(f"plain {secret}\n")
    sys.stdout.write(json.dumps({"in json": secret}) + "\n")
    sys.stdout.write(f"{'y' * params.long_line_bytes}{secret}{'y' * params.long_line_bytes}\n")
    sys.stdout.flush()
    for part in ("split ", secret[:4], secret[4:], "\n"):
        os.write(2, part.encode())
    subprocess.run(["/bin/echo", f"child {secret}"], check=True)


if __name__ == "__main__":
    run.main()
