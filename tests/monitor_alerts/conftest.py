"""What tests of alerts share: ledgers of both kinds, receivers on loopback, a folder of secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stationmaster.ledger.store import Ledger
from tests.ledger.postgres_server import PostgresServer, running_postgres
from tests.monitor_alerts.receivers import MailServer, WebReceiver, running_mail, running_web

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
    migrate(found)
    return found


@pytest.fixture
def local_uri(tmp_path: Path) -> str:
    """Return the URI of a ledger in a sqlite file."""
    found = f"sqlite:///{tmp_path}/ledger.db"
    migrate(found)
    return found


@pytest.fixture
def web() -> Iterator[WebReceiver]:
    """Return a web server that takes webhooks."""
    with running_web() as receiver:
        yield receiver


@pytest.fixture
def mail() -> Iterator[MailServer]:
    """Return a mail server."""
    with running_mail() as server:
        yield server


def migrate(uri: str) -> None:
    """Make the tables of a ledger."""
    ledger = Ledger.open(uri)
    ledger.migrate()
    ledger.close()
