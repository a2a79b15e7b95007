"""A run's rows as spans: a step that is tried again counts from the try that goes, or comes."""

from __future__ import annotations

import datetime as dt

import pytest

from stationmaster.monitor.series.ledgerrows import StepRow
from stationmaster.monitor.series.runrows import runs_of

SIX = dt.datetime(2011, 11, 15, 6, tzinfo=dt.UTC)


def row(begins: float, ends: float | None, verdict: str | None, attempt: int = 1) -> StepRow:
    """Return an attempt of one step, its moments in seconds after six."""
    begun = SIX + dt.timedelta(seconds=begins)
    finished = None if ends is None else SIX + dt.timedelta(seconds=ends)
    return StepRow(
        pipeline="morning",
        step="merge",
        job="merge",
        run_id="r",
        try_id=f"t{attempt}",
        shard=0,
        attempt=1,
        business_date=SIX.date(),
        verdict=verdict,
        queued_at=begun,
        started_at=begun,
        finished_at=finished,
        recorded_at=finished or begun,
        asked_memory_bytes=None,
        peak_memory_bytes=None,
        wall_seconds=None,
        rows_written=None,
        node_pool="",
        quarantined_rows=0,
    )


FAILED = (row(0, 100, "temporary"), row(220, 320, "temporary", 2), row(560, 660, "temporary", 3))


@pytest.mark.parametrize(
    ("rows", "begins"),
    [
        (FAILED[:1], 100.0),  # nothing tells how long the first wait is
        (FAILED[:2], 320.0 + 120.0),  # as long as the one before
        (FAILED, 660.0 + 480.0),  # 120 s, then 240 s: Airflow's backoff doubles
        ((*FAILED, row(1150, None, None, 4)), 1150.0),  # the try that goes
    ],
)
def test_a_step_that_is_tried_again_begins_with_its_next_try(
    rows: tuple[StepRow, ...], begins: float
) -> None:
    """What was tried in vain says nothing of how long the step still takes."""
    (run,) = runs_of(rows)

    assert run.steps["merge"] == (begins, None)
