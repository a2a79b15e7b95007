"""What the ledger's history says of every step: declared, recommended, why, what it would save."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from stationmaster.ledger.sizing.cpu import recommend_cpu
from stationmaster.ledger.sizing.fleet import recommend_all
from stationmaster.ledger.sizing.observations import DAY_SECONDS
from stationmaster.ledger.sizing.recommending import Limits
from stationmaster.ledger.sizing.traces import as_history

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stationmaster.ledger.sizing.cpu import CpuRecommendation
    from stationmaster.ledger.sizing.fleet import StepSize
    from stationmaster.ledger.sizing.measuring import Measured
    from stationmaster.ledger.sizing.observations import Observation
    from stationmaster.ledger.sizing.reading import StepHistory, StepKey

__all__ = ["DEFAULT_PRICE_PER_GIB_HOUR", "Advice", "StepAdvice", "advise", "trace_of"]

DEFAULT_PRICE_PER_GIB_HOUR: Final = 0.004237
"""US dollars: OpenCost's default for memory (opencost/opencost, configs/aws.json)."""

GIB_HOUR: Final = 2**30 * 3_600.0
MONTH_DAYS: Final = 30.0


@dataclass(frozen=True)
class StepAdvice:
    """Hold all that is said of one step."""

    key: StepKey
    memory: StepSize
    cpu: CpuRecommendation
    in_force_bytes: int
    saves_a_month: float
    """Dollars in 30 days at the rhythm of the history: declared less recommended memory."""
    unmeasured: int


@dataclass(frozen=True)
class Advice:
    """Hold the advice for all steps, what saves most first, and the replay over all of them."""

    steps: list[StepAdvice]
    ours: Measured | None
    declared: Measured | None


def advise(
    histories: Sequence[StepHistory],
    *,
    in_force: Mapping[StepKey, int] | None = None,
    price: float = DEFAULT_PRICE_PER_GIB_HOUR,
    limits: Limits | None = None,
) -> Advice:
    """Return what the histories of steps advise.

    Args:
        histories: As `reading.histories_of` makes them.
        in_force: Sizes that were applied, bytes.
        price: Dollars for one GiB of memory for one hour.
        limits: The largest node, and how many runs come first.
    """
    limits = limits or Limits()
    measured = [each for each in histories if each.runs]
    if not measured:
        return Advice([], None, None)
    # What was asked for may be what we had applied: the replay starts from what is declared.
    runs = [
        run._replace(requested_bytes=each.declared_bytes or run.requested_bytes)
        for each in measured
        for run in each.runs
    ]
    found = recommend_all(
        as_history(trace_of(runs)),
        too_small={each.key.task: each.too_small for each in measured},
        limits=limits,
    )
    sizes = {size.task: size for size in found.steps}
    steps = [
        _advice(each, sizes[each.key.task], (in_force or {}).get(each.key), price, limits)
        for each in measured
    ]
    steps.sort(key=lambda step: (-step.saves_a_month, step.key))
    return Advice(steps, found.ours, found.declared)


def trace_of(runs: Sequence[Observation]) -> pl.DataFrame:
    """Return runs in the columns of a trace, in order of submission."""
    schema = {
        "task": pl.String,
        "submitted_at": pl.Float64,
        "peak_bytes": pl.Int64,
        "requested_bytes": pl.Int64,
        "duration_seconds": pl.Float64,
        "input_bytes": pl.Int64,
    }
    rows = [run[: len(schema)] for run in runs]
    return pl.DataFrame(rows, schema=schema, orient="row").sort("submitted_at", maintain_order=True)


def _advice(
    history: StepHistory, size: StepSize, in_force: int | None, price: float, limits: Limits
) -> StepAdvice:
    saved = size.recommendation.saved_bytes * size.mean_seconds / GIB_HOUR * price
    return StepAdvice(
        key=history.key,
        memory=size,
        cpu=recommend_cpu(history.runs, history.declared_millicores, limits),
        in_force_bytes=in_force or history.declared_bytes,
        saves_a_month=saved * _runs_a_month(history.runs),
        unmeasured=history.unmeasured,
    )


def _runs_a_month(runs: Sequence[Observation]) -> float:
    """Return how often a step runs in 30 days: its runs over the days from the first to the last.

    A history of less than a day is taken as one day's.
    """
    moments = [run.submitted_at for run in runs]
    days = max((max(moments) - min(moments)) / DAY_SECONDS, 1.0)
    return len(runs) / days * MONTH_DAYS
