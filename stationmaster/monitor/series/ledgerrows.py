"""Read from the ledger what forecasts need; the rest are plain functions over these rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import sqlalchemy as sa

from stationmaster.ledger.engine import transaction
from stationmaster.ledger.models import attempt

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

__all__ = ["StepRow", "read_steps"]

READING_SECONDS: Final = 120.0
ENDED_WELL: Final = "succeeded"
OUT_OF_MEMORY: Final = "out_of_memory"


class StepRow(NamedTuple):
    """Hold what is read of one attempt; names as in the ledger."""

    pipeline: str
    step: str
    job: str
    run_id: str
    try_id: str
    shard: int
    attempt: int
    business_date: dt.date
    verdict: str | None
    queued_at: dt.datetime | None
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    recorded_at: dt.datetime
    asked_memory_bytes: int | None
    peak_memory_bytes: int | None
    wall_seconds: float | None
    rows_written: int | None
    node_pool: str
    quarantined_rows: int


def read_steps(
    engine: sa.Engine, *, since: dt.date, pipeline: str | None = None, step: str | None = None
) -> list[StepRow]:
    """Return the attempts of the business dates since a day, in order of recording.

    Args:
        engine: The ledger's database.
        since: The first business date.
        pipeline: Only this one's.
        step: Only this one's.
    """
    names = [name for name in StepRow._fields if name != "quarantined_rows"]
    query = (
        sa.select(*(attempt.c[name] for name in names), attempt.c.result)
        .where(attempt.c.business_date >= since)
        .order_by(attempt.c.recorded_at, attempt.c.try_id, attempt.c.shard, attempt.c.attempt)
    )
    if pipeline is not None:
        query = query.where(attempt.c.pipeline == pipeline)
    if step is not None:
        query = query.where(attempt.c.step == step)
    with transaction(engine, seconds=READING_SECONDS) as connection:
        found = connection.execute(query)
        return [StepRow._make((*row[:-1], _quarantined(row[-1]))) for row in found]


def _quarantined(result: Any) -> int:  # noqa: ANN401 (a document of the ledger)
    """Return how many rows a step's own result says it set aside."""
    outputs: Sequence[Any] = result.get("outputs") or () if isinstance(result, dict) else ()
    counts = (each.get("quarantined_rows") for each in outputs if isinstance(each, dict))
    return sum(count for count in counts if isinstance(count, int))
