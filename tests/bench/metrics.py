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
import time
from typing import Any, Final

import sqlalchemy as sa

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
    first, samples = scrape(collector)
    taken = sorted(scrape(collector)[0] for _ in range(SCRAPES))
    ledger.close()
    engine.dispose()
    return {
        "attempts": rows,
        "sums": sums,
        "series": samples,
        "first_ms": first,
        "next_p50_ms": statistics.median(taken),
        "next_p95_ms": taken[int(0.95 * len(taken)) - 1],
    }


def scrape(collector: LedgerCollector) -> tuple[float, int]:
    """Return the milliseconds of one scrape that asks the database, and its series."""
    began = time.perf_counter()
    samples = collector._bounded(collector._read())  # noqa: SLF001 (no 10 s between two)
    return round((time.perf_counter() - began) * 1000, 1), len(samples)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
