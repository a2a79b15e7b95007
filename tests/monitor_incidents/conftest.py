"""What tests of incidents share: a store in a sqlite file, and one in a real Postgres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stationmaster.ledger.store import Ledger
from stationmaster.monitor.incidents.store import IncidentStore
from tests.ledger.postgres_server import PostgresServer, running_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Return a Postgres server, started for this session."""
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URI of a ledger with its tables, one of each kind."""
    found = f"sqlite:///{tmp_path}/ledger.db"
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        found = server.new_database()
    ledger = Ledger.open(found)
    ledger.migrate()
    ledger.close()
    return found


@pytest.fixture
def store(uri: str) -> Iterator[IncidentStore]:
    """Return a store without incidents."""
    with IncidentStore.open(uri) as opened:
        yield opened
