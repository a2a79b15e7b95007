"""A program that plays writing steps: one warm process, a fork for each step it is told of.

Reads one JSON list a line from stdin, runs its steps side by side, answers with one JSON list of
their exit codes (negative: killed by that signal) and errors.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from stationmaster.step.contracts import Contract
from stationmaster.step.datasets import Store
from stationmaster.step.errors import StepError
from stationmaster.step.protocol import StepContext
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from types import FrameType

CONTRACT = Path(__file__).parents[1] / "contracts" / "web_orders.odcs.yaml"


class KillSwitch:
    """Kill the own process at the n-th call of a Python function."""

    def __init__(self, kill_at: int) -> None:
        self.calls = 0
        self._kill_at = kill_at

    def install(self) -> None:
        """Count calls in this thread and all it starts."""
        threading.setprofile(self._on_event)
        sys.setprofile(self._on_event)

    def _on_event(self, _frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            self.calls += 1
            if self.calls == self._kill_at:
                os.kill(os.getpid(), signal.SIGKILL)


def frame(rows: int, bad: int, revenue: str) -> pl.DataFrame:
    """Return orders, the first `bad` of which break a rule."""
    return pl.DataFrame(
        {
            "order_id": [str(number) for number in range(rows)],
            "ordered_at": [dt.datetime(2011, 11, 21, 9, tzinfo=dt.UTC)] * rows,
            "email": [f"p{number}@example.com" for number in range(rows)],
            "channel": ["web"] * rows,
            "lines": [1] * rows,
            "items": [0 if number < bad else 1 for number in range(rows)],
            "revenue": [Decimal(revenue)] * rows,
        }
    )


def run(step: dict[str, Any]) -> int:
    """Stage and publish as told; return the number of calls that took."""
    rows = frame(step.get("rows", 10), step.get("bad", 1), step.get("revenue", "1.00"))
    context = StepContext.model_validate(
        {"pipeline": "p", "step": "s", "job": "j", **step["context"]}
    )
    switch = KillSwitch(step.get("kill_at", 0))
    if "kill_at" in step:
        switch.install()
    store = Store.open(Settings(home=Path(step["home"]), catalog_uri=step.get("catalog", "")))
    store.publish(store.stage(context, Contract.load(CONTRACT), rows))
    sys.setprofile(None)
    return switch.calls


def fork(step: dict[str, Any]) -> tuple[int, int]:
    """Start one step; return its process id and the pipe its answer comes through."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    code, answer = 0, ""
    try:
        answer = str(run(step))
    except StepError as error:
        code, answer = error.exit_code, f"{type(error).__name__}: {error}"
    except BaseException as error:  # noqa: BLE001 (the parent tells the test)
        code, answer = 1, repr(error)
    os.write(writer, answer.encode()[:4000])
    os._exit(code)


def main() -> None:
    """Answer each line."""
    for line in sys.stdin:
        steps = json.loads(line)
        started = [fork(step) for step in steps]
        for step, (pid, _) in zip(steps, started, strict=True):
            if "kill_after" in step:
                time.sleep(step["kill_after"])
                os.kill(pid, signal.SIGKILL)
        answers = []
        for pid, reader in started:
            _, status = os.waitpid(pid, 0)
            answers.append(
                {
                    "code": os.waitstatus_to_exitcode(status),
                    "answer": os.read(reader, 5000).decode(),
                }
            )
            os.close(reader)
        sys.stdout.write(json.dumps(answers) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
