"""Print lines in all the ways in which a step can."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from stationmaster.step import Params, job


class Noisy(Params):
    """What to print."""

    lines: int = 0
    line_bytes: int = 100
    say: str = ""
    sleep: float = 0.0
    fail: bool = False
    kill_carrier: bool = False


@job
def run(params: Noisy) -> None:
    """Print through Python, through the file descriptor, and from a child."""
    if params.say:
        _say(params.say)
        half = len(params.say) // 2
        for part in (params.say[:half], params.say[half:], "\n"):
            os.write(2, part.encode())
            time.sleep(0.1)
        subprocess.run(["/bin/echo", f"child {params.say}"], check=True)
    if params.kill_carrier:
        _kill_child()
        _say("printed after the carrier's end")
    rest = "x" * (params.line_bytes - 9)
    for number in range(params.lines):
        sys.stdout.write(f"{number:08d}{rest}\n")
    sys.stdout.flush()
    _say("before the sleep")
    time.sleep(params.sleep)
    if params.fail:
        message = f"as asked {params.say}"
        raise RuntimeError(message)
    _say("the last word")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _kill_child() -> None:
    me = os.getpid()
    children = Path(f"/proc/{me}/task/{me}/children").read_text(encoding="utf-8")
    os.kill(int(children.split()[0]), signal.SIGKILL)
    time.sleep(0.5)
