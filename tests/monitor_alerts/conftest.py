"""What tests of alerts share: ledgers of both kinds, receivers on loopback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.databases import with_tables
from tests.monitor_alerts.receivers import MailServer, WebReceiver, running_mail, running_web

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def uri(uri: str) -> str:
    """Return the URI of a ledger with its tables, one of each kind."""
    return with_tables(uri)


@pytest.fixture
def local_uri(tmp_path: Path) -> str:
    """Return the URI of a ledger in a sqlite file."""
    return with_tables(f"sqlite:///{tmp_path}/ledger.db")


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
