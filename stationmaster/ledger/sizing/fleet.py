"""Recommend sizes for all steps at once, each with its own replay as proof."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from stationmaster.ledger.sizing.deciding import choose_rule
from stationmaster.ledger.sizing.learning import case_of_visit
from stationmaster.ledger.sizing.measuring import enlarged, measure
from stationmaster.ledger.sizing.observations import PRESET_RUNS
from stationmaster.ledger.sizing.recommending import Known, Limits, conclude, keep_declared
from stationmaster.ledger.sizing.replaying import replay_sizes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stationmaster.ledger.sizing.margins import Pool
    from stationmaster.ledger.sizing.measuring import Measured
    from stationmaster.ledger.sizing.recommending import Recommendation
    from stationmaster.ledger.sizing.replaying import Replayed

__all__ = ["FleetSizes", "StepSize", "recommend_all"]


class StepSize(NamedTuple):
    """Hold a step's recommendation, and what a replay of its history says of sizes like it."""

    task: str
    recommendation: Recommendation
    replayed_runs: int
    replayed_out_of_memory: int
    mean_seconds: float
    """Mean duration of its runs."""


class FleetSizes(NamedTuple):
    """Hold the sizes of all steps by name, and the measure of ours and of what is declared."""

    steps: list[StepSize]
    ours: Measured
    declared: Measured
    pool: Pool
    """What all of them taught, for `recommend` of one step."""


def recommend_all(
    history: pl.DataFrame,
    *,
    next_inputs: Mapping[str, int] | None = None,
    too_small: Mapping[str, int] | None = None,
    limits: Limits | None = None,
) -> FleetSizes:
    """Return a recommendation for each step of a history.

    Args:
        history: As `traces.as_history` makes it.
        next_inputs: Input bytes of the next run by step, where known; else the last one's.
        too_small: What the last out-of-memory proved too small by step, bytes.
        limits: The largest node, and how many runs come first.

    All steps teach one another, in order of submission, as `margins.Pool` says.
    """
    limits = limits or Limits()
    following = _following(history, next_inputs or {})
    with_next = pl.concat([history, following.select(history.columns)]).sort("code", "order")
    replayed = replay_sizes(with_next, node_bytes=limits.node_bytes)
    past = replayed.frame.filter(pl.col("needed").is_not_null())
    steps = [
        _step(row, replayed, (too_small or {}).get(row["task"], 0), limits)
        for row in following.sort("task").iter_rows(named=True)
    ]
    return FleetSizes(
        steps,
        measure(past, "size", enlarged),
        measure(past, "declared", enlarged),
        replayed.pool,
    )


def _following(history: pl.DataFrame, next_inputs: Mapping[str, int]) -> pl.DataFrame:
    """Return one row a step for its next run, which comes after all others."""
    known = pl.col("task").replace_strict(dict(next_inputs), default=None, return_dtype=pl.Float64)
    return (
        history.group_by("code", maintain_order=True)
        .agg(
            pl.col("task").last(),
            pl.col("submitted_at").last(),
            pl.col("declared").last(),
            pl.col("input_bytes").last(),
            pl.col("needed").max().alias("largest"),
            pl.col("duration_seconds").mean().alias("mean_seconds"),
            pl.len().alias("runs"),
        )
        .with_columns(
            pl.lit(None, dtype=pl.Float64).alias("needed"),
            pl.lit(0.0).alias("duration_seconds"),
            pl.coalesce(known, "input_bytes").alias("input_bytes"),
            (pl.int_range(pl.len()) + history.height).cast(history.schema["order"]).alias("order"),
        )
    )


def _step(row: dict[str, Any], replayed: Replayed, too_small: int, limits: Limits) -> StepSize:
    state = replayed.states.get(row["code"])
    following = None if state is None else state.next
    known = Known(
        runs=row["runs"],
        declared=row["declared"],
        largest=row["largest"] if following is None else following.largest,
        line=None if following is None else following.line,
        input_bytes=row["input_bytes"],
        too_small=float(too_small),
    )
    if state is None or following is None:
        found = keep_declared(known, limits)
    else:
        # Chosen anew with what all have taught by now, whichever step is asked for first.
        case = case_of_visit(state, following)
        found = conclude(known, case, choose_rule(case, replayed.pool), limits)
    return StepSize(
        task=row["task"],
        recommendation=found,
        replayed_runs=max(known.runs - PRESET_RUNS, 0),
        replayed_out_of_memory=0 if state is None else state.out_of_memory,
        mean_seconds=row["mean_seconds"],
    )
