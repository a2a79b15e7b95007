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

import psutil
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
from tests.postgres_server import PostgresServer, running_postgres

__all__ = ["main"]

ASKED: Final = 15
PRODUCTS: Final = 3
"""Pipelines that somebody waits for; each runs 14 times a day here, with 20 steps."""

NUMBERS: Final = """
UPDATE attempt SET result = result || jsonb_build_object(
    'outputs', jsonb_build_array(jsonb_build_object('dataset', pipeline || '_orders',
        'business_date', business_date, 'rows', rows_written, 'quarantined_rows', 3)),
    'figures', jsonb_build_object(pipeline || '/amount', rows_written * 1.5))
WHERE pipeline IN ('pipeline_0', 'pipeline_1', 'pipeline_2') AND step = 'step_19'
    AND verdict = 'succeeded' AND business_date > current_date - 60"""
"""The last step of a product publishes a table and says a figure."""

UNFINISHED: Final = r"""
DELETE FROM attempt WHERE pipeline = 'pipeline_2' AND business_date >= current_date - 1
    AND (substr(step, 6)\:\:int > 10 OR (run_id, business_date) <> (
        SELECT min(run_id), min(business_date) FROM attempt
        WHERE pipeline = 'pipeline_2' AND business_date >= current_date - 1))"""
GOING: Final = """
UPDATE attempt SET verdict = NULL, finished_at = NULL, result = NULL, recorded_at = now()
WHERE pipeline = 'pipeline_2' AND business_date >= current_date - 1 AND step = 'step_10'"""
"""One product is being made: the chance that it misses its time is drawn."""


def main(words: list[str]) -> int:
    """Run it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=ROWS)
    rows = parser.parse_args(words).rows
    with running_postgres() as server, tempfile.TemporaryDirectory() as folder:
        uri = server.new_database()
        prepare(uri, rows)
        with serving(uri, Path(folder), sample=False, expectations=expected()) as running:
            found = measure(running, _Processor(server))
    sys.stdout.write(json.dumps({"rows": rows, "pages": found}) + "\n")
    return 0


def prepare(uri: str, rows: int) -> None:
    """Fill a ledger and sum it up."""
    ledger, engine = Ledger.open(uri), make_engine(uri)
    ledger.migrate()
    ledger.close()
    fill(engine, rows, say)
    roll_up(engine, now=dt.datetime.now(dt.UTC))
    with engine.begin() as connection:
        for change in (NUMBERS, UNFINISHED, GOING):
            connection.execute(sa.text(change))
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


class _Processor:
    """Tell how much of a processor the dashboard, its Postgres and whoever asks have taken.

    On a machine that has other work too, that is what a page takes on one that has not.
    """

    def __init__(self, server: PostgresServer) -> None:
        lines = (server.folder / "data" / "postmaster.pid").read_text("utf-8").splitlines()
        self._server = psutil.Process(int(lines[0]))

    def milliseconds(self) -> float:
        """Return it, since they began."""
        every = [psutil.Process(), self._server, *self._server.children(recursive=True)]
        times = [each.cpu_times() for each in every]
        return 1000 * sum(each.user + each.system for each in times)


def measure(running: Served, processor: _Processor) -> dict[str, Any]:
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
        first, again, taken = [], [], 0.0
        for _ in range(ASKED):
            running.dashboard.source.forget_all()
            before = processor.milliseconds()
            first.append(_asked(client, path))
            taken += processor.milliseconds() - before
            again.append(_asked(client, path))
        found[name] = {
            "first_processor_ms": round(taken / ASKED),
            "first_best_ms": round(min(first), 1),
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
