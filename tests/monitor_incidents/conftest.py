"""What tests of incidents share: a store in a sqlite file, and one in a real Postgres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stationmaster.monitor.incidents.store import IncidentStore
from tests.databases import with_tables

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def uri(uri: str) -> str:
    """Return the URI of a ledger with its tables, one of each kind."""
    return with_tables(uri)


@pytest.fixture
def store(uri: str) -> Iterator[IncidentStore]:
    """Return a store without incidents."""
    with IncidentStore.open(uri) as opened:
        yield opened
