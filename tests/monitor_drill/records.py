"""Attempts of the simulated world as the launcher writes them into the ledger."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from stationmaster.ledger.records import AttemptKind, AttemptRecord
from stationmaster.step.protocol import (
    Measurements,
    OutputRef,
    ResultStatus,
    Shard,
    StepContext,
    StepResult,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.monitor_drill.spans import Attempted

__all__ = ["NODES", "begun_record", "ended_record", "report_folder"]

NODES: Final = ("ip-10-0-1-17", "ip-10-0-2-40", "ip-10-0-3-88")
SMALL: Final = {
    "instance_type": "c7i.xlarge",
    "node_cpu_millicores": 4_000,
    "node_memory_bytes": 8 * 2**30,
    "node_price_per_hour": 0.0714,
}
LARGE: Final = {
    "instance_type": "c7i.48xlarge",
    "node_cpu_millicores": 192_000,
    "node_memory_bytes": 384 * 2**30,
    "node_price_per_hour": 3.43,
}
SECONDS_TO_RECORD: Final = 1.5


def report_folder(reports: Path, name: str, day: dt.date) -> Path:
    """Return where the files of a report of a day lie, as jobs publish them."""
    return reports / name / str(day)


def begun_record(each: Attempted) -> AttemptRecord:
    """Return what is written when an attempt begins."""
    return AttemptRecord.of(_context(each), recorded_at=each.started_at, **_known(each))


def ended_record(each: Attempted, reports: Path) -> AttemptRecord:
    """Return what is written when it has ended."""
    trip = each.trip
    told: dict[str, Any] = {"verdict": "succeeded", "exit_code": 0}
    if trip is not None:
        told = {
            "verdict": trip.verdict,
            "exit_code": trip.exit_code,
            "sentence": trip.sentence,
            "hint": trip.hint,
        }
        if trip.verdict == "out_of_memory":
            told["proved_too_small_bytes"] = each.plan.asked_bytes
    return AttemptRecord.of(
        _context(each),
        result=_result(each, reports),
        finished_at=each.finished_at,
        recorded_at=_later(each.finished_at, SECONDS_TO_RECORD),
        measured_by="step",
        **told,
        **_known(each),
    )


def _context(each: Attempted) -> StepContext:
    plan = each.plan
    return StepContext(
        pipeline=plan.pipeline,
        run_id=plan.run_id,
        step=plan.step,
        job=plan.job,
        shard=Shard(),
        try_id=each.try_id,
        try_number=each.try_number,
        attempt=each.attempt,
        business_date=plan.day,
    )


def _known(each: Attempted) -> dict[str, Any]:
    plan = each.plan
    pod = f"{plan.job}-{each.try_id[:12]}-0-{each.attempt}"
    return {
        "kind": AttemptKind.POD,
        "queued_at": each.queued_at,
        "created_at": _later(each.queued_at, 0.5),
        "scheduled_at": _later(each.queued_at, 1.5),
        "started_at": each.started_at,
        "namespace": "stationmaster-steps",
        "pod_name": pod,
        "node": NODES[int(each.try_id[:4], 16) % len(NODES)],
        "node_pool": "steps",
        "capacity_type": "spot",
        "region": "eu-west-1",
        "price_currency": "USD",
        "asked_cpu_millicores": int(plan.cores * 1000),
        **(LARGE if plan.large_node else SMALL),
        "asked_memory_bytes": plan.asked_bytes,
        "declared_memory_bytes": plan.asked_bytes,
    }


def _result(each: Attempted, reports: Path) -> StepResult | None:
    plan, trip = each.plan, each.trip
    seconds = (each.finished_at - each.started_at).total_seconds()
    if trip is not None:
        peak = int(plan.asked_bytes * (1.0 if trip.verdict == "out_of_memory" else trip.peak_share))
        if trip.error is None:
            return None
        used = Measurements(wall_seconds=seconds, cpu_seconds=seconds / 2, peak_memory_bytes=peak)
        return StepResult(status=ResultStatus.FAILED, error=trip.error, measurements=used)
    if plan.says is not None:
        return plan.says
    outputs = [
        OutputRef(
            dataset=name,
            business_date=plan.day,
            snapshot_id=int(each.try_id[-8:], 16),
            rows=table.rows,
            quarantined_rows=table.quarantined,
        )
        for name, table in plan.tables.items()
    ]
    if plan.report and not plan.forgets_report:
        uri = str(report_folder(reports, plan.report, plan.day))
        outputs.append(OutputRef(dataset=plan.report, business_date=plan.day, uri=uri, rows=1))
    rows = sum(table.rows for table in plan.tables.values())
    used = Measurements(
        wall_seconds=seconds,
        cpu_seconds=seconds / 2,
        peak_memory_bytes=int(plan.memory_bytes),
        rows_read=rows,
        rows_written=rows,
        bytes_written=rows * 120,
    )
    return StepResult(
        status=ResultStatus.DONE,
        phase="done",
        outputs=tuple(outputs),
        measurements=used,
        **_said(plan.figures),
    )


def _said(figures: Any) -> dict[str, Any]:  # noqa: ANN401 (numbers by name)
    return {"figures": dict(figures)} if figures else {}


def _later(at: dt.datetime, seconds: float) -> dt.datetime:
    return at + dt.timedelta(seconds=seconds)
