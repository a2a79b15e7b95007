"""What grouping and storing a look costs: `python -m tests.bench.incidents`.

A source is late and everything comes of it: so many findings, one incident. Times of the look that
opens it, of one that finds the same again, and of the one that closes it, through the store with
its outbox, in a sqlite file and in a Postgres with its default settings.
"""

from __future__ import annotations

import datetime as dt
import tempfile
import time
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from stationmaster.ledger.store import Ledger
from stationmaster.monitor.alerts.plan import AlertPlan
from stationmaster.monitor.alerts.routing import Alerting
from stationmaster.monitor.checks.finding import Subject, SubjectKind
from stationmaster.monitor.incidents.leasing import take_lease
from stationmaster.monitor.incidents.store import IncidentStore
from stationmaster.monitor.lineage import Lineage
from tests.monitor_incidents.situations import LATE, MINUTE, NOW, WEB, a_look, found
from tests.postgres_server import running_postgres

if TYPE_CHECKING:
    from stationmaster.monitor.checks.finding import Finding

SIZES: Final = (1, 100, 1000)


def measure(uri: str, number: int) -> list[float]:
    """Return the seconds of the three looks."""
    ledger = Ledger.open(uri)
    ledger.migrate()
    ledger.close()
    effects = [Subject(SubjectKind.DATASET, f"dataset_{each}") for each in range(number - 1)]
    lineage = Lineage(causes=dict.fromkeys(effects, frozenset({WEB})), readers={})
    findings = [found(WEB), *(found(each) for each in effects)]
    plan = AlertPlan(Alerting(), ZoneInfo("Europe/London"))
    looks: list[list[Finding]] = [findings, findings, []]
    seconds = []
    with IncidentStore.open(uri, plan) as store:
        take_lease(store.engine, "bench", now=NOW, length=dt.timedelta(days=1), about={})
        for minute, shown in enumerate(looks):
            look = a_look(*shown, at=NOW + minute * MINUTE)
            begun = time.perf_counter()
            store.take_look(look, lineage, {LATE.name: LATE}, holder="bench", now=NOW)
            seconds.append(time.perf_counter() - begun)
    return seconds


def main() -> None:
    """Print a table."""
    print("| findings | database | opens | again | closes |\n|---|---|---|---|---|")  # noqa: T201 (a table for the docs)
    with running_postgres() as server, tempfile.TemporaryDirectory() as folder:
        for number in SIZES:
            uris = {
                "sqlite": f"sqlite:///{folder}/{number}.db",
                "Postgres": server.new_database(),
            }
            for name, uri in uris.items():
                times = " | ".join(f"{each * 1000:.0f} ms" for each in measure(uri, number))
                print(f"| {number:,} | {name} | {times} |")  # noqa: T201 (as above)


if __name__ == "__main__":
    main()
