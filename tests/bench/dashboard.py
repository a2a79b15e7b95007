"""Measure the dashboard's pages over a ledger of ten million attempts.

`python -m tests.bench.dashboard [--rows N]` makes a Postgres of its own in a temporary folder, as
`tests.bench.ledger_scale` does, and removes it. Each page is asked for by real requests, each time
with nothing kept from the time before: what a first visitor waits for. It prints one JSON line.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import sqlalchemy as sa

from stationmaster.ledger.days import roll_up
from stationmaster.ledger.engine import make_engine
from stationmaster.ledger.models import attempt
from stationmaster.ledger.store import Ledger
from stationmaster.monitor.dashboard.reading.expectations import Expectations
from stationmaster.monitor.monitoring import Monitoring
from tests.bench.ledger_rows import fill
from tests.bench.ledger_scale import ROWS, say
from tests.dashboard.served import Served, serving
from tests.postgres_server import running_postgres

__all__ = ["main"]

ASKED: Final = 15
PRODUCTS: Final = 3
"""Pipelines that somebody waits for; each runs hourly with 20 steps here."""


def main(words: list[str]) -> int:
    """Run it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=ROWS)
    rows = parser.parse_args(words).rows
    with running_postgres() as server, tempfile.TemporaryDirectory() as folder:
        uri = server.new_database()
        prepare(uri, rows)
        with serving(uri, Path(folder), sample=False, expectations=expected()) as running:
            found = measure(running)
    sys.stdout.write(json.dumps({"rows": rows, "pages": found}) + "\n")
    return 0


def prepare(uri: str, rows: int) -> None:
    """Fill a ledger and sum it up."""
    ledger, engine = Ledger.open(uri), make_engine(uri)
    ledger.migrate()
    ledger.close()
    fill(engine, rows, say)
    roll_up(engine, now=dt.datetime.now(dt.UTC))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
    engine.dispose()
    say("summed up")


def expected() -> Expectations:
    """Return what people wait for."""
    pipelines = {
        f"pipeline_{n}": {"due": "06:35", "product": f"report {n}"} for n in range(PRODUCTS)
    }
    return Expectations.of(Monitoring.model_validate({"pipelines": pipelines}))


def measure(running: Served) -> dict[str, Any]:
    """Return milliseconds a page took, its whole answer over loopback."""
    client = running.visitor()
    newest = sa.select(attempt.c.run_id).where(attempt.c.pipeline == "pipeline_7")
    (found_run,) = running.dashboard.source.rows(
        newest.order_by(attempt.c.business_date.desc()), most=1
    )
    run = found_run["run_id"]
    told = {"pipeline": "pipeline_7", "step": "step_7", "name": "pipeline_7", "run": run}
    paths = {
        "/": "/",
        "/engineering": "/engineering",
        "/incidents": "/incidents",
        "/engineering/pipeline": f"/engineering/pipeline?{urlencode(told)}",
        "/engineering/run": f"/engineering/run?{urlencode(told)}",
        "/engineering/step": f"/engineering/step?{urlencode(told)}",
        "/engineering/steps": "/engineering/steps",
        "/engineering/cost": "/engineering/cost",
        "/engineering/checks": "/engineering/checks",
    }
    found: dict[str, Any] = {}
    for name, path in paths.items():
        first, again = [], []
        for _ in range(ASKED):
            running.dashboard.source.forget_all()
            first.append(_asked(client, path))
            again.append(_asked(client, path))
        found[name] = {
            "first_p50_ms": _quantile(first, 0.5),
            "first_p95_ms": _quantile(first, 0.95),
            "kept_p50_ms": round(statistics.median(again), 1),
        }
        say(f"{name}: {found[name]}")
    return found


def _asked(client: Any, path: str) -> float:  # noqa: ANN401 (an httpx client)
    began = time.perf_counter()
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.text[:500])
    return (time.perf_counter() - began) * 1000


def _quantile(values: list[float], share: float) -> float:
    return round(sorted(values)[min(len(values) - 1, int(len(values) * share))], 1)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
