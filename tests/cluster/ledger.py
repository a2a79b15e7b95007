"""What the release's ledger holds of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from tests.cluster.release import Release

__all__ = ["attempts"]

QUERY = sa.text(
    "select * from attempt where pipeline = :pipeline and run_id = :run_id"
    " order by step, map_index, try_number, shard, attempt"
)


def attempts(release: Release, pipeline: str, run_id: str) -> list[dict[str, Any]]:
    """Return the attempts of one run, as the table has them."""
    engine = sa.create_engine(release.database("ledger"), pool_pre_ping=True)
    try:
        with engine.connect() as connection:
            rows = connection.execute(QUERY, {"pipeline": pipeline, "run_id": run_id})
            return [dict(row) for row in rows.mappings()]
    finally:
        engine.dispose()
