"""The attempts of a made-up month: the same each time they are made."""

from __future__ import annotations

import datetime as dt
import random
import uuid
from typing import TYPE_CHECKING, Any, Final

from stationmaster.ledger.records import AttemptRecord
from stationmaster.monitor.dashboard.sample.shop import (
    DAYS,
    MIB,
    NOW,
    PIPELINES,
    PipelinePlan,
    StepPlan,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["month_of_attempts"]

SEED: Final = 2011
NODE: Final[dict[str, Any]] = {
    "node_pool": "steps",
    "instance_type": "m6i.2xlarge",
    "region": "eu-west-2",
    "zone": "eu-west-2a",
    "node_cpu_millicores": 8000,
    "node_memory_bytes": 32 * 2**30,
    "node_price_per_hour": 0.444,
    "price_currency": "USD",
    "price_note": "m6i.2xlarge on-demand by the price list",
}
WEEKEND: Final = 5
CONTRACT: Final[dict[str, Any]] = {
    "verdict": "contract_broken",
    "exit_code": 65,
    "sentence": "extract-payments refused what payments sent: `customer_id` is gone, `customerId` "
    "is new and looks the same in 98 % of records.",
    "hint": "Ask the payments team, or add the new name to the contract and clear the task.",
}
OUT_OF_MEMORY: Final[dict[str, Any]] = {
    "verdict": "out_of_memory",
    "exit_code": 137,
    "sentence": "match-payments used all of its 3 GiB.",
    "hint": "The next attempt starts with 6 GiB. Give the step size l to start there.",
}


def month_of_attempts() -> Iterator[AttemptRecord]:
    """Yield the attempts of all pipelines, those that go on at NOW included."""
    draw = random.Random(SEED)  # noqa: S311 (a made-up month, no secret)
    for back in range(DAYS, -1, -1):
        morning = NOW.replace(hour=0, minute=0) - dt.timedelta(days=back)
        for pipeline in PIPELINES:
            for hour in pipeline.hours:
                begun = morning.replace(hour=hour, minute=pipeline.minute)
                if begun < NOW:
                    yield from _run(draw, pipeline, begun, back)


def _run(
    draw: random.Random, pipeline: PipelinePlan, begun: dt.datetime, back: int
) -> Iterator[AttemptRecord]:
    slow = draw.lognormvariate(0, 0.07)
    for step in pipeline.steps:
        if back == 0 and step.name in {"match_payments", "write_ledger"}:
            return  # their run has stopped: see CONTRACT
        start = begun + dt.timedelta(seconds=step.after * slow)
        if start >= NOW:
            return
        yield from _step(draw, pipeline, step, (begun, start), back, slow)


def _step(  # noqa: PLR0913, PLR0917 (all that one step's row is made of)
    draw: random.Random,
    pipeline: PipelinePlan,
    step: StepPlan,
    moments: tuple[dt.datetime, dt.datetime],
    back: int,
    slow: float,
) -> Iterator[AttemptRecord]:
    begun, start = moments
    seconds = step.seconds * slow * draw.lognormvariate(0, 0.05)
    peak = step.peak * (1 + step.growth) ** (DAYS - back) * draw.lognormvariate(0, 0.02)
    known = _who(draw, pipeline, step, begun, start)
    if back == 0 and step.name == "extract_payments":
        for number, extra in ((1, 0), (2, 130)):
            first = start + dt.timedelta(seconds=extra)
            again = {"try_number": number, "try_id": str(uuid.UUID(int=draw.getrandbits(128)))}
            yield _ended(known | again, first, 38.0, 210, step, CONTRACT, draw)
        return
    if step.name == "match_payments" and back in {9, 17}:
        small = known | {"asked_memory_bytes": 3072 * MIB}
        yield _ended(small, start, seconds / 3, 3072, step, OUT_OF_MEMORY, draw)
        known |= {"attempt": 2, "enlarged_from_bytes": 3072 * MIB}
        start += dt.timedelta(seconds=seconds / 3 + 6)
    if start + dt.timedelta(seconds=seconds) > NOW:
        yield AttemptRecord.model_validate(
            known | {"started_at": start, "recorded_at": start, "node": "node-b"}
        )
        return
    rows = _rows(draw, step, begun)
    told = _result(step, rows, begun, seconds, peak, back)
    fine = {"verdict": "succeeded", "exit_code": 0, "result": told, "rows_written": rows}
    yield _ended(known, start, seconds, peak, step, fine, draw)


def _who(
    draw: random.Random,
    pipeline: PipelinePlan,
    step: StepPlan,
    begun: dt.datetime,
    start: dt.datetime,
) -> dict[str, Any]:
    return {
        **NODE,
        "try_id": str(uuid.UUID(int=draw.getrandbits(128))),
        "pipeline": pipeline.name,
        "run_id": f"scheduled__{begun:%Y-%m-%dT%H:%M:%S}+00:00",
        "step": step.name,
        "job": step.job,
        "business_date": (begun - dt.timedelta(days=1)).date()
        if len(pipeline.hours) == 1
        else begun.date(),
        "team": pipeline.team,
        "namespace": "stationmaster-steps",
        "queued_at": start - dt.timedelta(seconds=6),
        "created_at": start - dt.timedelta(seconds=5),
        "scheduled_at": start - dt.timedelta(seconds=3),
        "asked_memory_bytes": step.asked * MIB,
        "declared_memory_bytes": step.asked * MIB,
        "asked_cpu_millicores": 3000,
        "capacity_type": "on-demand",
    }


def _ended(  # noqa: PLR0913, PLR0917 (all that an end is made of)
    known: dict[str, Any],
    start: dt.datetime,
    seconds: float,
    peak: float,
    step: StepPlan,
    end: dict[str, Any],
    draw: random.Random,
) -> AttemptRecord:
    finished = start + dt.timedelta(seconds=seconds)
    used: dict[str, Any] = {
        "node": draw.choice(["node-a", "node-b", "node-c"]),
        "started_at": start,
        "finished_at": finished,
        "recorded_at": finished + dt.timedelta(seconds=0.4),
        "wall_seconds": round(seconds, 1),
        "cpu_seconds": round(seconds * 0.6, 1),
        "peak_memory_bytes": round(peak * MIB),
        "rows_written": 0,
        "measured_by": "step",
    }
    if end["verdict"] == "out_of_memory":
        used["proved_too_small_bytes"] = step.asked * MIB // 2
    return AttemptRecord.model_validate(known | used | end)


def _rows(draw: random.Random, step: StepPlan, begun: dt.datetime) -> int:
    day = begun - dt.timedelta(days=1)
    weekend = 0.72 if day.weekday() >= WEEKEND else 1.0
    if step.rows <= 20:  # noqa: PLR2004 (files and audiences, not rows of a day)
        return step.rows
    return round(step.rows * weekend * draw.lognormvariate(0, 0.04))


def _result(  # noqa: PLR0913, PLR0917 (all that a step says of itself)
    step: StepPlan, rows: int, begun: dt.datetime, seconds: float, peak: float, back: int
) -> dict[str, Any]:
    day = (begun - dt.timedelta(days=1)).date()
    aside = round(rows * 0.0012) if step.name.startswith("extract") else 0
    output = {
        "dataset": step.dataset,
        "business_date": str(day),
        "rows": rows,
        "quarantined_rows": aside,
    }
    return {
        "status": "done",
        "phase": "done",
        "outputs": [output],
        "measurements": {
            "wall_seconds": seconds,
            "peak_memory_bytes": round(peak * MIB),
            "rows_written": rows,
        },
        "figures": _figures(step.name, rows, day, back),
    }


def _figures(step: str, rows: int, day: dt.date, back: int) -> dict[str, float]:
    """Return what a step says that people rely on; today the app's orders miss some deliveries."""
    draw = random.Random(f"{SEED} {day}")  # noqa: S311 (as above)
    weekend = 0.72 if day.weekday() >= WEEKEND else 1.0
    web = round(1067 * weekend * draw.lognormvariate(0, 0.04))
    app = round(421 * weekend * draw.lognormvariate(0, 0.04))
    said = {
        "extract_web": {"web_shop/orders": web},
        "extract_app": {"app/orders": app},
        "extract_delivery": {
            "delivery/web_orders": web,
            "delivery/app_orders": app - (9 if back == 0 else 0),
        },
        "extract_support": {"support/tickets": rows},
        "merge_customers": {"customers/unified": rows},
        "report_morning": {
            "sales/orders": web + app,
            "sales/revenue": round((web + app) * 38.4 * draw.lognormvariate(0, 0.02)),
        },
    }
    return {name: float(value) for name, value in said.get(step, {}).items()}
