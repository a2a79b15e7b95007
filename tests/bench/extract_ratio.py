"""Extraction by the contract against a bare polars script (bare_extract.py) on the same files.

Real orders of 2011-11-21 are replicated to 1,000, 10,000 and 100,000 a day; web shop and app are
extracted by both in alternating pairs. Two views: the whole process from start to end, and the
second extraction within one process, where what is started and imported once does not count.
CPU seconds stand beside wall seconds: they tell more on a machine that does other things, too.
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
from importlib import import_module
from pathlib import Path
from typing import Final, NamedTuple

from stationmaster.step.protocol import CONTEXT_VARIABLE, RESULT_VARIABLE, StepContext
from stationmaster.step.run_step import new_try_id
from stationmaster.step.settings import Settings

__all__ = ["main"]

DAY: Final = dt.date(2011, 11, 21)
PAIRS: Final = {1_000: 3, 10_000: 3, 100_000: 2}
SOURCES: Final = ("web", "app")
BARE: Final = str(Path(__file__).with_name("bare_extract.py"))


class Run(NamedTuple):
    """What one process used, and what it says itself."""

    wall: float
    cpu: float
    peak_mb: float
    said: str


def measured(command: list[str], env: dict[str, str]) -> Run:
    """Run a command to its end.

    Raises:
        RuntimeError: It failed.
    """
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, env=env, stdout=said, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            message = f"{command} ended with {process.returncode}"
            raise RuntimeError(message)
        said.seek(0)
        peak = used.ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
        return Run(wall, used.ru_utime + used.ru_stime, peak, said.read())


def environment(home: Path) -> dict[str, str]:
    """Return an environment in which both find compiled modules, as in an image."""
    # Without compiled modules each import is compiled anew, which doubles the start of both.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return env | {
        "STATIONMASTER_HOME": str(home),
        "PYTHONPYCACHEPREFIX": str(home.parent / "compiled"),
        RESULT_VARIABLE: str(home / "result.json"),
    }


def by_contract(source: str, home: Path) -> Run:
    """Run the job as its container would."""
    context = StepContext(
        pipeline="bench",
        run_id="bench",
        step=source,
        job=f"extract-{source}",
        try_id=new_try_id(),
        business_date=DAY,
    )
    env = environment(home) | {CONTEXT_VARIABLE: context.model_dump_json()}
    return measured([sys.executable, "-m", f"extract_{source}"], env)


def by_hand(source: str, home: Path, times: int = 1) -> Run:
    """Run the bare script."""
    folder = home / "landing" / source / str(DAY)
    return measured([sys.executable, BARE, str(folder), str(home), str(times)], environment(home))


def twice_by_contract(source: str, home: Path) -> Run:
    """Run the job twice within one process, by the real runner."""
    command = [sys.executable, __file__, "--twice", source, str(home)]
    return measured(command, environment(home))


def twice(source: str, home: Path) -> None:
    """Extract twice and print wall and CPU seconds of each time as JSON."""
    from stationmaster.step.testing import run_job  # noqa: PLC0415 (see generate)

    job = import_module(f"extract_{source}.job").run
    seconds = []
    for _ in range(2):
        started, used = time.perf_counter(), time.process_time()
        done = run_job(job, DAY, home=home)
        seconds.append((time.perf_counter() - started, time.process_time() - used))
        if done.exit_code:
            raise SystemExit(done.exit_code)
    sys.stdout.write(json.dumps(seconds))


def generate(orders_a_day: int, home: Path) -> None:
    """Write the day's files and print how many records they have."""
    # Imported here: the measuring process stays small, since a child's peak begins with its own.
    from stationmaster.sources.days import generate_day  # noqa: PLC0415 (see above)
    from stationmaster.sources.retail import fetch  # noqa: PLC0415 (see above)
    from stationmaster.sources.world import World  # noqa: PLC0415 (see above)

    settings = Settings(home=home, data=Settings().data_folder)
    home.mkdir(parents=True)
    world = World(fetch(settings, lambda _: None), 1, orders_a_day)
    sys.stdout.write(str(sum(generate_day(world, settings, DAY, SOURCES).values())))


def compare(ours: list[Run], bare: list[Run]) -> dict[str, float]:
    """Return medians and ratios of whole processes."""
    wall = [statistics.median(run.wall for run in runs) for runs in (ours, bare)]
    cpu = [statistics.median(run.cpu for run in runs) for runs in (ours, bare)]
    return {
        "ours_s": round(wall[0], 3),
        "bare_s": round(wall[1], 3),
        "ratio": round(
            statistics.median(a.wall / b.wall for a, b in zip(ours, bare, strict=True)), 2
        ),
        "ours_cpu_s": round(cpu[0], 2),
        "bare_cpu_s": round(cpu[1], 2),
        "cpu_ratio": round(cpu[0] / cpu[1], 2),
        "ours_peak_mb": round(max(run.peak_mb for run in ours)),
        "bare_peak_mb": round(max(run.peak_mb for run in bare)),
    }


def within(ours: list[Run], bare: list[Run]) -> dict[str, float]:
    """Return medians and the ratio of the second extraction within a process."""
    wall, cpu = (
        [[json.loads(run.said)[1][which] for run in runs] for runs in (ours, bare)]
        for which in (0, 1)
    )
    return {
        "ours_s": round(statistics.median(wall[0]), 3),
        "bare_s": round(statistics.median(wall[1]), 3),
        "ratio": round(statistics.median(a / b for a, b in zip(*wall, strict=True)), 2),
        "ours_cpu_s": round(statistics.median(cpu[0]), 2),
        "bare_cpu_s": round(statistics.median(cpu[1]), 2),
        "cpu_ratio": round(statistics.median(cpu[0]) / statistics.median(cpu[1]), 2),
    }


def measure(orders_a_day: int, pairs: int, home: Path) -> dict[str, object]:
    """Measure one volume: pairs alternate, the first of each kind only warms up."""
    command = [sys.executable, __file__, "--generate", str(orders_a_day), str(home)]
    records = int(measured(command, dict(os.environ)).said)
    report: dict[str, object] = {"orders_a_day": orders_a_day, "records": records}
    for source in SOURCES:
        by_contract(source, home), by_hand(source, home)
        whole = [(by_contract(source, home), by_hand(source, home)) for _ in range(pairs)]
        inside = [(twice_by_contract(source, home), by_hand(source, home, 2)) for _ in range(pairs)]
        process = compare([run for run, _ in whole], [run for _, run in whole])
        function = within([run for run, _ in inside], [run for _, run in inside])
        done = json.loads((home / "result.json").read_text(encoding="utf-8"))
        rows = done["measurements"]["rows_read"]
        report[source] = {
            "records": rows,
            "records_per_s": round(rows / function["ours_s"]),
            "process": process,
            "function": function,
        }
    return report


def main() -> None:
    """Measure all volumes and print JSON."""
    if "--twice" in sys.argv:
        twice(sys.argv[2], Path(sys.argv[3]))
        return
    if "--generate" in sys.argv:
        generate(int(sys.argv[2]), Path(sys.argv[3]))
        return
    wanted = [int(size) for size in sys.argv[1:]] or list(PAIRS)
    with tempfile.TemporaryDirectory() as folder:
        done = [measure(size, PAIRS[size], Path(folder) / str(size)) for size in wanted]
    sys.stdout.write(json.dumps(done) + "\n")


if __name__ == "__main__":
    main()
