"""The meter sees the whole process tree, and no page cache."""

from __future__ import annotations

import mmap
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from stationmaster.step.meter import Meter
from stationmaster.step.processtree import process_age_seconds, tree_use

if TYPE_CHECKING:
    from pathlib import Path

MB = 1_000_000

ALLOCATE = "import time; data = bytearray(b'x' * 200_000_000); time.sleep({}); print(len(data))"
FAMILY = """
import os, time
data = bytearray(b'x' * 100_000_000)
for _ in range(4):
    if os.fork() == 0:
        time.sleep(30)
        os._exit(0)
print('up', flush=True)
time.sleep(30)
"""


def test_memory_of_a_child_process_counts() -> None:
    """200 MB in a child are 200 MB of the step's peak."""
    with Meter() as meter:
        before = meter.measurements().peak_memory_bytes
        subprocess.run([sys.executable, "-c", ALLOCATE.format(1)], check=True, capture_output=True)

    assert meter.measurements().peak_memory_bytes - before > 190 * MB


def test_own_memory_counts_and_the_peak_stays() -> None:
    """Memory that was given back is still the peak."""
    with Meter() as meter:
        before = meter.measurements().peak_memory_bytes
        data = bytearray(b"x" * 100 * MB)
        time.sleep(0.3)
        del data

    assert 90 * MB < meter.measurements().peak_memory_bytes - before < 250 * MB


def test_page_cache_does_not_count(tmp_path: Path) -> None:
    """Reading a mapped file of 200 MB leaves the peak where it was."""
    path = tmp_path / "large"
    with path.open("wb") as stream:
        for _ in range(200):
            stream.write(os.urandom(MB))
    with Meter() as meter, path.open("rb") as stream:
        before = meter.measurements().peak_memory_bytes
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            assert sum(mapped[i] for i in range(0, len(mapped), 4096)) > 0
            time.sleep(0.3)

    assert meter.measurements().peak_memory_bytes - before < 50 * MB


def test_memory_shared_by_forked_children_counts_once() -> None:
    """Four forked workers that look at 100 MB of their parent use 100 MB, not 500."""
    before = tree_use(os.getpid()).memory_bytes
    with subprocess.Popen(
        [sys.executable, "-c", FAMILY], stdout=subprocess.PIPE, start_new_session=True
    ) as family:
        assert family.stdout is not None
        family.stdout.readline()
        together = tree_use(os.getpid()).memory_bytes
        os.killpg(family.pid, signal.SIGKILL)

    assert 90 * MB < together - before < 200 * MB


def test_cpu_seconds_of_ended_children_count() -> None:
    """What a child computed stays counted when it is gone."""
    burn = "import time\nwhile time.process_time() < 0.5: pass"
    with Meter() as meter:
        subprocess.run([sys.executable, "-c", burn], check=True)

    assert meter.measurements().cpu_seconds >= 0.5


def test_wall_time_counts_from_the_start_of_the_process() -> None:
    """Imports are a step's own time."""
    whole = Meter(since_process_start=True).measurements().wall_seconds

    assert 0 < whole <= process_age_seconds() + 1


def test_rows_and_bytes_add_up() -> None:
    """Reads and writes are counted apart."""
    meter = Meter()
    meter.count_read(rows=3, size_bytes=10)
    meter.count_read(rows=4)
    meter.count_written(rows=5, size_bytes=20)

    used = meter.measurements()

    assert (used.rows_read, used.bytes_read) == (7, 10)
    assert (used.rows_written, used.bytes_written) == (5, 20)
    assert used.wall_seconds >= 0


def test_the_meter_ticks_while_the_step_works() -> None:
    """The result is rewritten about every second, so that a killed step leaves its last word."""
    ticks: list[float] = []
    with Meter(on_tick=lambda: ticks.append(time.monotonic())):
        time.sleep(2.5)

    assert len(ticks) >= 1


def test_a_step_near_its_memory_limit_says_so_at_once() -> None:
    """What nears the limit is told before the next second: it may be killed before that."""
    told: list[int] = []
    limit = tree_use(os.getpid()).memory_bytes + (200 << 20)
    started = time.monotonic()
    meter = Meter(
        on_tick=lambda: told.append(meter.measurements().peak_memory_bytes),
        limit_bytes=limit,
        tick_seconds=3600,
    )
    with meter:
        grown = bytearray(os.urandom(1 << 20) * 190)
        while not told and time.monotonic() - started < 20:
            time.sleep(0.01)
    assert told
    assert told[0] > 0.8 * limit
    del grown
