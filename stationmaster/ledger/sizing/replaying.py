"""Replay a history as if our sizes had been applied from the start; nothing is looked at early.

Only some runs can change what is decided (`learning`). Python visits these alone; columns do the
rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from stationmaster.ledger.sizing.columns import with_expectations
from stationmaster.ledger.sizing.deciding import ENOUGH_ROOM, LEAST_BYTES
from stationmaster.ledger.sizing.learning import StepState, Visit, choosing_runs, rules_of
from stationmaster.ledger.sizing.margins import MARGINS, Pool
from stationmaster.ledger.sizing.observations import PRESET_RUNS

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Replayed", "replay_sizes"]


class Replayed(NamedTuple):
    """Hold the outcome: the runs with a `size` each, the steps' states, and what all taught."""

    frame: pl.DataFrame
    states: dict[int, StepState]
    pool: Pool


def replay_sizes(
    frame: pl.DataFrame, *, pool: Pool | None = None, node_bytes: float = float("inf")
) -> Replayed:
    """Return the size that each run would have had.

    Args:
        frame: `code`, `submitted_at`, `needed` (null: a run to come), `input_bytes`,
            `duration_seconds`, `declared` and `order` (of submission), sorted by code and order.
        pool: What is known beforehand of how steps behave; nothing by default.
        node_bytes: The largest node: no size exceeds it.
    """
    frame = _with_sums(with_expectations(frame)).with_row_index("row")
    states: dict[int, StepState] = {}
    pool = pool or Pool()
    rules = rules_of(_visits(frame), states, pool)
    return Replayed(_sized(frame, rules, node_bytes), states, pool)


def _with_sums(frame: pl.DataFrame) -> pl.DataFrame:
    """Add what each way of expecting would have reserved up to each run, byte-seconds."""
    seconds, foretold = pl.col("duration_seconds"), pl.col("line").is_not_null()
    largest = (pl.col("largest") * seconds).fill_null(0.0)
    sums = {
        "byte_seconds": largest,
        "line_runs": foretold.cast(pl.Int64),
        "line_byte_seconds": (pl.col("line") * seconds).fill_null(0.0),
        "beside_byte_seconds": pl.when(foretold).then(largest).otherwise(0.0),
    }
    return frame.with_columns(
        (value.cum_sum() - value).over("code").alias(name) for name, value in sums.items()
    )


def _visits(frame: pl.DataFrame) -> Iterable[Visit]:
    """Return the runs that can change what is decided, in order of submission."""
    exceeded = (pl.max_horizontal("largest_ratio", "line_ratio") > MARGINS[0]).fill_null(
        value=False
    )
    longest = frame.select(pl.col("run").max()).item() or 0
    choose = pl.col("run").is_in(choosing_runs(longest)) | pl.col("needed").is_null()
    fields = [name for name in Visit._fields if name != "choose"]
    visited = (
        frame.lazy()
        .with_columns(choose.alias("choose"))
        .filter((pl.col("run") >= PRESET_RUNS) & (pl.col("choose") | exceeded))
        .sort("order")
        .select("choose", *fields)
        .select(Visit._fields)
        .collect()
    )
    return map(Visit._make, visited.iter_rows())


def _sized(frame: pl.DataFrame, rules: list[tuple[Any, ...]], node_bytes: float) -> pl.DataFrame:
    """Add each run's `size`: what `size_by` returns, in columns."""
    schema = {
        "row": pl.UInt32,
        "follow_line": pl.Boolean,
        "largest_margin": pl.Float64,
        "line_margin": pl.Float64,
        "chance": pl.Float64,
        "floor": pl.Float64,
    }
    # A choice at the run after one that was too small stands for both.
    chosen = pl.DataFrame(rules, schema=schema, orient="row").unique("row", keep="last")
    ruled = frame.join(chosen, on="row", how="left", maintain_order="left")
    ruled = ruled.with_columns(pl.col(list(schema)[1:]).forward_fill())
    by_line = pl.col("follow_line") & pl.col("line").is_not_null()
    expected = pl.when(by_line).then("line").otherwise("largest")
    margin = pl.when(by_line).then("line_margin").otherwise("largest_margin")
    declared = pl.col("declared")
    wanted = expected * margin
    bound = (
        pl.when(declared >= expected * ENOUGH_ROOM)
        .then(pl.min_horizontal(wanted, declared))
        .otherwise(wanted)
    )
    least = pl.min_horizontal(declared, pl.lit(float(LEAST_BYTES)))
    sized = pl.max_horizontal(bound, least, "floor")
    return ruled.with_columns(
        pl.min_horizontal(
            pl.when(pl.col("run") < PRESET_RUNS).then(declared).otherwise(sized),
            pl.lit(node_bytes),
        ).alias("size")
    )
