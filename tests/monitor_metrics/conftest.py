"""What tests of metrics share: a connection to an empty ledger, in sqlite and in Postgres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stationmaster.ledger.engine import make_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    import sqlalchemy as sa

    from stationmaster.ledger.store import Ledger


@pytest.fixture
def engine(uri: str, ledger: Ledger) -> Iterator[sa.Engine]:
    """Return a connection to that ledger's database."""
    assert ledger.name
    made = make_engine(uri)
    yield made
    made.dispose()
