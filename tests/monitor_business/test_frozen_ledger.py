"""A ledger that accepts and never answers: what does not stand on it is known all the same."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from stationmaster.monitor.facts.gathering import Gathering
from stationmaster.step.settings import Settings
from tests.cluster.place import ROOT
from tests.databases import with_tables

if TYPE_CHECKING:
    from tests.postgres_server import PostgresServer

NOW = dt.datetime(2011, 11, 22, 7, 0, tzinfo=dt.UTC)


def test_what_comes_of_what_does_not_wait_for_a_ledger_that_hangs(
    own_postgres: PostgresServer,
) -> None:
    """Else whoever watches waits for ever, and nobody is told of the database."""
    uri = with_tables(own_postgres.new_database())
    settings = Settings(
        ledger_uri=uri, jobs=ROOT / "jobs", monitoring_file=ROOT / "dags/monitoring.yaml"
    )
    with Gathering(settings) as gathering:
        known = gathering.facts(NOW).lineage
        with own_postgres.frozen():
            meanwhile = gathering.facts(NOW + dt.timedelta(minutes=1)).lineage

    assert meanwhile.causes == known.causes
    assert known.readers
