"""What tests of metrics share: an empty ledger in sqlite and in a real Postgres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stationmaster.ledger.engine import make_engine
from stationmaster.ledger.store import Ledger
from tests.ledger.postgres_server import PostgresServer, running_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import sqlalchemy as sa


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Return a Postgres server, started for this session."""
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URI of an empty database, one of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def ledger(uri: str) -> Iterator[Ledger]:
    """Return a ledger with its tables."""
    opened = Ledger.open(uri)
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def engine(uri: str, ledger: Ledger) -> Iterator[sa.Engine]:
    """Return a connection to that ledger's database."""
    assert ledger.name
    made = make_engine(uri)
    yield made
    made.dispose()
