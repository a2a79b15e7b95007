"""Databases that tests of several folders share: fixtures, loaded by `tests/conftest.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stationmaster.ledger.store import Ledger
from tests.postgres_server import PostgresServer, running_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["ledger", "own_postgres", "postgres", "postgres_uri", "uri", "with_tables"]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Return the session's Postgres server; who stops or freezes one takes `own_postgres`."""
    with running_postgres() as server:
        yield server


@pytest.fixture(name="_server_to_stop", scope="module")
def _server_to_stop() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


@pytest.fixture
def own_postgres(_server_to_stop: PostgresServer) -> PostgresServer:
    """Return a Postgres server of the module's own that a test may stop; it runs at each start."""
    if not _server_to_stop.is_running:
        _server_to_stop.start()
    return _server_to_stop


@pytest.fixture
def postgres_uri(postgres: PostgresServer) -> str:
    """Return the URI of an empty Postgres database."""
    return postgres.new_database()


@pytest.fixture(params=["sqlite", "postgres"])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URI of an empty database, one of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    found: str = request.getfixturevalue("postgres_uri")
    return found


@pytest.fixture
def ledger(uri: str) -> Iterator[Ledger]:
    """Return a ledger with its tables."""
    opened = Ledger.open(uri)
    opened.migrate()
    yield opened
    opened.close()


def with_tables(uri: str) -> str:
    """Make a ledger's tables in a database; return its URI."""
    opened = Ledger.open(uri)
    opened.migrate()
    opened.close()
    return uri
