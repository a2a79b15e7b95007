"""Measure the ledger at ten million rows: the dashboard's questions, and what recording costs.

`--sums` asks only the questions about months, of the sums of ten million rows made directly: a
minute instead of half an hour.

`python -m tests.bench.ledger_scale [--rows N | --sums]` makes a Postgres of its own in a temporary
folder and removes it; ten million rows need about 15 GB and half an hour there. It prints one JSON
line.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import json
import random
import shutil
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from stationmaster.ledger.days import roll_up
from stationmaster.ledger.engine import make_engine, transaction
from stationmaster.ledger.recorder import Recorder
from stationmaster.ledger.store import Ledger
from tests.bench.ledger_questions import QUESTIONS
from tests.bench.ledger_rows import fill, fill_sums
from tests.ledger.attempts import record, result
from tests.postgres_server import running_postgres

if TYPE_CHECKING:
    from stationmaster.ledger.records import AttemptRecord

__all__ = ["main"]

ROWS: Final = 10_000_000
ASKED: Final = 40
"""How often each question is asked, each time about something else."""

WRITES: Final = 300
AT_ONCE: Final = 2000
BYTES_A_ROW: Final = 1300
"""Of the table, its indexes and the log of the filling: measured, and a tenth more."""

LEFT_BYTES: Final = 12 * 10**9
"""What it leaves of the disk to others."""


def main(words: list[str]) -> int:
    """Run it; return 1 where a goal is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--sums", action="store_true")
    told = parser.parse_args(words)
    rows = 0 if told.sums else told.rows
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if rows * BYTES_A_ROW > free - LEFT_BYTES:
        needed = (rows * BYTES_A_ROW + LEFT_BYTES) / 1e9
        say(f"{rows:,} rows need {needed:.0f} GB of free disk, there are {free / 1e9:.0f}.")
        return 2
    with running_postgres(durable=True) as server:
        found = measure(server.new_database(), rows)
    sys.stdout.write(json.dumps(found) + "\n")
    slowest = max(each["p95_ms"] for each in found["questions"].values())
    return int(slowest > 200 or found["write"]["one_p50_ms"] > 5)


def measure(uri: str, rows: int) -> dict[str, Any]:
    """Return all figures of a ledger with so many rows."""
    ledger, engine = Ledger.open(uri), make_engine(uri)
    ledger.migrate()
    if not rows:
        return measure_sums(ledger, engine)
    began = time.monotonic()
    fill(engine, rows, say)
    filled = time.monotonic() - began
    days = roll_up(engine, now=dt.datetime.now(dt.UTC))
    rolled = time.monotonic() - began - filled
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
        size = connection.execute(sa.text("SELECT pg_total_relation_size('attempt')")).scalar()
        sums = connection.execute(sa.text("SELECT count(*) FROM step_day")).scalar()
    return {
        "rows": rows,
        "bytes_a_row": round(int(size or 0) / rows),
        "seconds_to_fill": round(filled),
        "roll_up_ms_a_day": round(rolled / max(1, len(days)) * 1000),
        "sums": sums,
        "questions": {name: ask(engine, name) for name in QUESTIONS},
        "write": asyncio.run(write(ledger, engine)),
    }


def measure_sums(ledger: Ledger, engine: sa.Engine) -> dict[str, Any]:
    """Return the figures of the questions about months alone, and of recording."""
    fill_sums(engine)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
        sums = connection.execute(sa.text("SELECT count(*) FROM step_day")).scalar()
    months = [name for name in QUESTIONS if name.endswith("days") or "year" in name]
    return {
        "sums": sums,
        "questions": {name: ask(engine, name) for name in months if "14" not in name},
        "write": asyncio.run(write(ledger, engine)),
    }


def ask(engine: sa.Engine, name: str) -> dict[str, float]:
    """Return milliseconds that Postgres planned and executed a question in, and that it took us."""
    draw, planned, taken = random.Random(7), [], []  # noqa: S311 (which rows are asked for)
    for _ in range(ASKED):
        with transaction(engine) as connection:
            began = time.perf_counter()
            query = QUESTIONS[name](connection, draw)
            connection.execute(query).all()
            taken.append((time.perf_counter() - began) * 1000)
            text = query.compile(dialect=engine.dialect, compile_kwargs={"literal_binds": True})
            explained = connection.exec_driver_sql(
                f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {text}"
            )
            [plan] = explained.scalar_one()
            planned.append(plan["Planning Time"] + plan["Execution Time"])
    say(f"{name}: {statistics.median(planned):.1f} ms")
    return {
        "best_ms": round(min(planned), 2),
        "p50_ms": _quantile(planned, 0.5),
        "p95_ms": _quantile(planned, 0.95),
        "with_client_p50_ms": _quantile(taken, 0.5),
        "with_client_p95_ms": _quantile(taken, 0.95),
    }


async def write(ledger: Ledger, engine: sa.Engine) -> dict[str, float]:
    """Return what recording an attempt takes: one alone, and many that end together.

    Beside it, in turn, the least that a durable transaction can be: one number in one row.
    """
    alone, least = [], []
    with transaction(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE least (number int)")
    for _ in range(WRITES):
        each = _ended()
        began = time.perf_counter()
        with transaction(engine) as connection:
            connection.exec_driver_sql("INSERT INTO least VALUES (1)")
        least.append((time.perf_counter() - began) * 1000)
        began = time.perf_counter()
        ledger.record(each)
        alone.append((time.perf_counter() - began) * 1000)
    with tempfile.TemporaryDirectory() as folder:
        async with Recorder(ledger, Path(folder) / "spool") as recorder:
            began = time.perf_counter()
            await asyncio.gather(*(recorder.record(_ended()) for _ in range(AT_ONCE)))
            together = (time.perf_counter() - began) * 1000
            transactions = recorder.counts.transactions
    return {
        "one_p50_ms": _quantile(alone, 0.5),
        "one_p95_ms": _quantile(alone, 0.95),
        "least_p50_ms": _quantile(least, 0.5),
        "least_p95_ms": _quantile(least, 0.95),
        "together": AT_ONCE,
        "together_ms_each": round(together / AT_ONCE, 3),
        "together_transactions": transactions,
    }


def say(words: str) -> None:
    """Tell how far it is."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {words}\n")


def _ended() -> AttemptRecord:
    now = dt.datetime.now(dt.UTC)
    times = {"started_at": now, "finished_at": now, "recorded_at": now}
    return record(try_id=str(uuid.uuid4()), verdict="succeeded", result=result(), **times)


def _quantile(values: list[float], share: float) -> float:
    return round(sorted(values)[min(len(values) - 1, int(len(values) * share))], 2)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
