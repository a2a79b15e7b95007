"""What it takes to size fifty steps that start in one moment, on a ledger in Postgres.

`one_by_one` asks for each step by itself and in turn, as on the launcher's rendering thread;
`together` announces all of them and asks in four threads, as the launcher does. `rendering_seconds`
is how long the thread that renders them all is held up by sizes, `last_seconds` when the last step
has its size, `cpu_seconds` of this process.

`python -m tests.bench.size_lookups [--runs 400] [--away]` prints JSON. `--away`: the ledger does
not answer, and each attempt to connect takes two seconds.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from stationmaster.ledger.engine import make_engine
from stationmaster.ledger.records import AttemptRecord
from stationmaster.ledger.sizing.book import SizeBook
from stationmaster.ledger.sizing.reading import StepKey
from stationmaster.ledger.store import Ledger
from stationmaster.step.protocol import StepContext
from tests.postgres_server import running_postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STEPS = 50
THREADS = 4
GIB = 2**30
KEYS = [StepKey("bench", f"step_{number}", "sort-rows") for number in range(STEPS)]


def history(runs: int) -> Iterator[AttemptRecord]:
    """Yield the runs of all steps, an hour apart, with peaks that wander a little."""
    now = dt.datetime.now(dt.UTC)
    for key in KEYS:
        for number in range(runs):
            when = now - dt.timedelta(hours=runs - number)
            context = StepContext(
                pipeline=key.pipeline,
                run_id=f"r{number}",
                step=key.step,
                job=key.job,
                try_id=f"{key.step}-{number}",
                business_date=when.date(),
            )
            yield AttemptRecord.of(
                context,
                recorded_at=when,
                queued_at=when,
                verdict="succeeded",
                peak_memory_bytes=GIB // 4 + number % 17 * 2**20,
                asked_memory_bytes=GIB,
                declared_memory_bytes=GIB,
                wall_seconds=120.0,
                cpu_seconds=80.0,
            )


def one_by_one(book: SizeBook) -> tuple[float, float]:
    """Return how long the thread is held up that renders, and when the last size is there."""
    begun = time.perf_counter()
    for key in KEYS:
        ask(book, key)
    held_up = time.perf_counter() - begun
    return held_up, held_up


def together(book: SizeBook) -> tuple[float, float]:
    """Return the same where other threads ask."""
    begun = time.perf_counter()
    for key in KEYS:
        book.expect(key.pipeline, key.step)
    held_up = time.perf_counter() - begun
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(lambda key: ask(book, key), KEYS))
    return held_up, time.perf_counter() - begun


def ask(book: SizeBook, key: StepKey) -> None:
    """Ask for a size; a ledger that is away leaves the declared one."""
    try:
        book.size_for(key, GIB, 1000)
    except SQLAlchemyError:
        return


def measured(way: Callable[[SizeBook], tuple[float, float]], engine: sa.Engine) -> dict[str, Any]:
    """Return the best of three, and the questions that one takes."""
    asked: list[int] = []
    sa.event.listen(engine, "before_cursor_execute", lambda *_: asked.append(1))
    found, cpu = [], []
    for _ in range(3):
        used = time.process_time()
        found.append(way(SizeBook(engine)))
        cpu.append(time.process_time() - used)
    return {
        "rendering_seconds": round(min(each[0] for each in found), 4),
        "last_seconds": round(min(each[1] for each in found), 3),
        "cpu_seconds": round(min(cpu), 3),
        "questions": len(asked) // 3,
    }


def learning(engine: sa.Engine) -> dict[str, float]:
    """Return what it takes to learn what the steps teach one another."""
    book = SizeBook(engine)
    begun, used = time.perf_counter(), time.process_time()
    book.learn()
    return {
        "seconds": round(time.perf_counter() - begun, 3),
        "cpu_seconds": round(time.process_time() - used, 3),
        "sized_runs": book.pool.sized_runs,
    }


def main() -> None:
    """Print what it takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--away", action="store_true")
    told = parser.parse_args()
    with running_postgres() as postgres:
        uri = postgres.new_database().replace("postgresql://", "postgresql+psycopg2://")
        ledger = Ledger.open(uri)
        ledger.migrate()
        ledger.record_all(history(told.runs))
        ledger.roll_up()
        ledger.close()
        if told.away:
            uri = uri.replace("psycopg2://", "psycopg2://nobody-")
        parts: dict[str, Any] = {"steps": STEPS, "runs": told.runs}
        for way in (one_by_one, together):
            engine = make_engine(uri)
            if told.away:
                sa.event.listen(engine, "do_connect", lambda *_: time.sleep(2))
            parts[way.__name__] = measured(way, engine)
        if not told.away:
            parts["learning"] = learning(make_engine(uri))
    sys.stdout.write(json.dumps(parts, indent=1) + "\n")


if __name__ == "__main__":
    main()
