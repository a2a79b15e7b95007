"""A real Postgres server for these tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.ledger.postgres_server import PostgresServer, running_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Return a Postgres server, started for this session."""
    with running_postgres() as server:
        yield server
