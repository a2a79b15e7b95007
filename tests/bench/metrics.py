"""Measure what a scrape costs a ledger of a year: the first of a process, and the next ones.

`python -m tests.bench.metrics [--rows N]` makes a Postgres of its own in a temporary folder, fills
it with the sums of ten million attempts and N attempts of the same year (by default a million),
and removes it. It prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import threading
import time
from typing import Any, Final

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, generate_latest

from stationmaster.ledger.engine import make_engine
from stationmaster.ledger.store import Ledger
from stationmaster.monitor.metrics.collecting import LedgerCollector
from tests.bench.ledger_rows import fill, fill_sums
from tests.postgres_server import running_postgres

__all__ = ["main"]

ROWS: Final = 1_000_000
SCRAPES: Final = 20


def main(words: list[str]) -> int:
    """Run it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=ROWS)
    rows = parser.parse_args(words).rows
    with running_postgres() as server:
        found = measure(server.new_database(), rows)
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


def measure(uri: str, rows: int) -> dict[str, Any]:
    """Return what scrapes of such a ledger take, in milliseconds."""
    ledger, engine = Ledger.open(uri), make_engine(uri)
    ledger.migrate()
    fill(engine, rows, lambda _: None)
    fill_sums(engine)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
        sums = connection.execute(sa.text("SELECT count(*) FROM step_day")).scalar()
    collector = LedgerCollector(engine)
    first, samples = reading(collector)
    read = sorted(reading(collector)[0] for _ in range(SCRAPES))
    taken = sorted(scrape(collector) for _ in range(SCRAPES))
    ledger.close()
    engine.dispose()
    return {
        "attempts": rows,
        "sums": sums,
        "series": samples,
        "first_reading_ms": first,
        "reading_p50_ms": statistics.median(read),
        "reading_p95_ms": read[int(0.95 * len(read)) - 1],
        "scrape_p50_ms": statistics.median(taken),
        "scrape_p95_ms": taken[int(0.95 * len(taken)) - 1],
    }


def scrape(collector: LedgerCollector) -> float:
    """Return the milliseconds that a scrape half a minute after another one waits for its text."""
    registry = CollectorRegistry()
    list(collector.collect())
    kept = collector._kept  # noqa: SLF001 (as if time had passed)
    assert kept is not None
    collector._kept = (time.monotonic() - 30, kept[1])  # noqa: SLF001 (as above)
    registry.register(collector)
    began = time.perf_counter()
    generate_latest(registry)
    took = time.perf_counter() - began
    while threading.active_count() > 1:  # what is read anew for the next one
        time.sleep(0.01)
    return round(took * 1000, 1)


def reading(collector: LedgerCollector) -> tuple[float, int]:
    """Return the milliseconds in which the database was asked, and how many series came of it."""
    began = time.perf_counter()
    samples = collector._bounded(collector._read())  # noqa: SLF001 (no 10 s between two)
    return round((time.perf_counter() - began) * 1000, 1), len(samples)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
