"""Extraction by the contract against a bare polars script (bare_extract.py) on the same files.

Real orders of 2011-11-21 are replicated to 1,000, 10,000 and 100,000 a day; web shop and app are
extracted by both in alternating pairs. Two views: the whole process from start to end, and the
second extraction within one process, where what is started and imported once does not count.
CPU seconds stand beside wall seconds: they tell more on a machine that does other things, too.

`python extract_ratio.py [orders a day ...]`; days that were generated once lie in the data folder.
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
from typing import TYPE_CHECKING, Final, NamedTuple

from stationmaster.step.protocol import CONTEXT_VARIABLE, RESULT_VARIABLE, StepContext
from stationmaster.step.run_step import new_try_id
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["main"]

DAY: Final = dt.date(2011, 11, 21)
PAIRS: Final = {1_000: 3, 10_000: 3, 100_000: 1}
SOURCES: Final = ("web", "app")
BARE: Final = str(Path(__file__).with_name("bare_extract.py"))


class Seconds(NamedTuple):
    """What one extraction took."""

    wall: float
    cpu: float


class Run(NamedTuple):
    """What one process used, and what it says itself."""

    wall: float
    cpu: float
    peak_mb: float
    said: str


def measured(command: list[str], env: dict[str, str] | None = None) -> Run:
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


def generated(orders_a_day: int) -> Path:
    """Return the folder of a generated day; it is generated where it is not there."""
    folder = Settings().data_folder / "bench" / f"{DAY}-{orders_a_day}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as beside:
            made = Path(beside) / "made"
            measured([sys.executable, __file__, "--generate", str(orders_a_day), str(made)])
            made.rename(folder)
    return folder.absolute()


def environment(home: Path) -> dict[str, str]:
    """Return an environment in which both find compiled modules, as in an image."""
    # Without compiled modules each import is compiled anew, which doubles the start of both.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return env | {
        "STATIONMASTER_HOME": str(home),
        "STATIONMASTER_LANDING": str(home / "landing"),
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
    """Write the day's files."""
    # Imported here: the measuring process stays small, since a child's peak begins with its own.
    from stationmaster.sources.days import generate_day  # noqa: PLC0415 (see above)
    from stationmaster.sources.retail import fetch  # noqa: PLC0415 (see above)
    from stationmaster.sources.world import World  # noqa: PLC0415 (see above)

    settings = Settings(home=home, data=Settings().data_folder)
    home.mkdir(parents=True)
    world = World(fetch(settings, lambda _: None), 1, orders_a_day)
    generate_day(world, settings, DAY, SOURCES)


def compare(seconds: list[tuple[Seconds, Seconds]], records: int) -> dict[str, float]:
    """Return medians of pairs (ours, bare) and their ratios."""
    ours, bare = ([pair[which] for pair in seconds] for which in (0, 1))
    wall, bare_wall = (statistics.median(one.wall for one in side) for side in (ours, bare))
    cpu, bare_cpu = (statistics.median(one.cpu for one in side) for side in (ours, bare))
    return {
        "wall_s": round(wall, 3),
        "bare_wall_s": round(bare_wall, 3),
        "wall_ratio": round(statistics.median(a.wall / b.wall for a, b in seconds), 2),
        "cpu_s": round(cpu, 3),
        "bare_cpu_s": round(bare_cpu, 3),
        "cpu_ratio": round(statistics.median(a.cpu / b.cpu for a, b in seconds), 2),
        "rows_per_s": round(records / wall),
        "bare_rows_per_s": round(records / bare_wall),
        "cpu_us_a_row": round(cpu / records * 1e6, 1),
    }


def pairs_of(source: str, home: Path, pairs: int) -> Iterator[tuple[Run, Run, Run, Run]]:
    """Run ours and the bare script in turns, each first as often as second."""
    for number in range(pairs):
        kinds = (
            lambda: by_contract(source, home),
            lambda: by_hand(source, home),
            lambda: twice_by_contract(source, home),
            lambda: by_hand(source, home, 2),
        )
        order = (0, 1, 2, 3) if number % 2 == 0 else (1, 0, 3, 2)
        runs = {which: kinds[which]() for which in order}
        yield runs[0], runs[1], runs[2], runs[3]


def measure_source(source: str, home: Path, pairs: int) -> dict[str, object]:
    """Measure the extraction of one source's day."""
    runs = list(pairs_of(source, home, pairs))
    done = json.loads((home / "result.json").read_text(encoding="utf-8"))
    records = done["measurements"]["rows_read"]
    process = [(Seconds(a.wall, a.cpu), Seconds(b.wall, b.cpu)) for a, b, _, _ in runs]
    second = [
        (Seconds(*json.loads(ours.said)[1]), Seconds(*json.loads(bare.said)[1]))
        for _, _, ours, bare in runs
    ]
    return {
        "rows": records,
        "process": compare(process, records),
        "function": compare(second, records),
        "peak_mb": round(max(ours.peak_mb for ours, _, _, _ in runs)),
        "bare_peak_mb": round(max(bare.peak_mb for _, bare, _, _ in runs)),
    }


def measure(orders_a_day: int, pairs: int, home: Path) -> dict[str, object]:
    """Measure one volume."""
    day = generated(orders_a_day)
    home.mkdir()
    (home / "landing").symlink_to(day / "landing")
    return {"orders_a_day": orders_a_day, "pairs": pairs} | {
        source: measure_source(source, home, pairs) for source in SOURCES
    }


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
        # Compiles the modules of both, so that the first pair starts as the others do.
        measure(min(PAIRS), 1, Path(folder) / "warm")
        done = [measure(size, PAIRS.get(size, 2), Path(folder) / str(size)) for size in wanted]
    sys.stdout.write(json.dumps(done) + "\n")


if __name__ == "__main__":
    main()
