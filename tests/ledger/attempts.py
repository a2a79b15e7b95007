"""Records of attempts for tests."""

from __future__ import annotations

import datetime as dt
from typing import Any

from stationmaster.ledger.records import AttemptRecord
from stationmaster.step.protocol import Measurements, ResultStatus, StepContext, StepResult

__all__ = ["DAY", "NOON", "context", "record", "result"]

DAY = dt.date(2011, 11, 21)
NOON = dt.datetime(2011, 11, 22, 12, tzinfo=dt.UTC)


def context(**known: Any) -> StepContext:  # noqa: ANN401 (any field of the context)
    """Return what a step of the morning pipeline is told."""
    told: dict[str, Any] = {
        "pipeline": "morning_analytics",
        "run_id": "scheduled__2011-11-22",
        "step": "extract_web",
        "job": "extract-web",
        "try_id": "01997f3e-0000-7000-8000-000000000001",
        "business_date": DAY,
    }
    return StepContext(**{**told, **known})


def record(**known: Any) -> AttemptRecord:  # noqa: ANN401 (any field of the record)
    """Return an attempt of that step."""
    return AttemptRecord.of(context(), **{"recorded_at": NOON, **known})


def result(rows: int = 1067) -> StepResult:
    """Return what a step that went well says of itself."""
    used = Measurements(
        wall_seconds=2.5, cpu_seconds=1.25, peak_memory_bytes=90 * 2**20, rows_written=rows
    )
    return StepResult(status=ResultStatus.DONE, phase="done", measurements=used)
