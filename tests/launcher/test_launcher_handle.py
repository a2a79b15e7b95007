"""The scheduler's end of the pipe to its launcher."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

from stationmaster.airflow.launcher.handle import LauncherHandle

if TYPE_CHECKING:
    from stationmaster.airflow.launcher.messages import Report

CHATTY = """
import sys
print("2026-11-22 [warning] a library says something")
print('{"kind": "over", "ti_id": "a"}', flush=True)
sys.stdin.read(1)
"""


def test_a_line_that_is_no_report_costs_only_itself() -> None:
    """What a library prints must not end the scheduler, nor hide the report after it."""
    handle = LauncherHandle((sys.executable, "-c", CHATTY))
    handle.keep()
    heard: list[Report] = []
    until = time.monotonic() + 30
    while not heard and time.monotonic() < until:
        heard += handle.receive()
        time.sleep(0.05)
    handle.stop(10)
    assert [(each.kind.value, each.ti_id) for each in heard] == [("over", "a")]


def test_nothing_heavy_is_imported_before_the_launchers_output_is_turned_away() -> None:
    """Airflow prints while it is imported: that must not end up among the reports."""
    code = "import sys, stationmaster.airflow.launcher.__main__; print('airflow' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"
