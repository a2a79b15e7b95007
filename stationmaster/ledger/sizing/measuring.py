"""The measure by which all policies are compared: what is reserved, what of it was useful."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import polars as pl

from stationmaster.ledger.sizing.observations import GB, MIB

__all__ = [
    "MOST_ATTEMPTS",
    "Enlarge",
    "Measured",
    "doubled",
    "enlarged",
    "enlarged_by_vpa",
    "measure",
]

MOST_ATTEMPTS: Final = 64
"""A bound for the loop: doubling passes any peak long before."""

HOUR_SECONDS: Final = 3_600.0

Enlarge = Callable[[pl.Expr, pl.Expr, int], pl.Expr]
"""(size, declared size, attempts that failed) -> the size of the next attempt."""


class Measured(NamedTuple):
    """Hold what one policy did over a history."""

    reserved_gb_hours: float
    useful_gb_hours: float
    wasted_gb_hours: float
    wasted_share: float
    first_try_out_of_memory: int
    first_try_oom_rate: float
    attempts: int
    most_attempts: int


def doubled(size: pl.Expr, declared: pl.Expr, failed: int) -> pl.Expr:  # noqa: ARG001 (one shape for all policies)
    """Return twice the size: for policies that say nothing of what comes after."""
    return size * 2


def enlarged_by_vpa(size: pl.Expr, declared: pl.Expr, failed: int) -> pl.Expr:  # noqa: ARG001 (see above)
    """Return what VPA's recommender takes as needed after an out-of-memory.

    Source: kubernetes/autoscaler, vertical-pod-autoscaler, cluster_state's RecordOOM: the larger of
    `oom-bump-up-ratio` 1.2 and `oom-min-bump-up-bytes` 100 MiB.
    """
    return pl.max_horizontal(size * 1.2, size + 100 * MIB)


def enlarged(size: pl.Expr, declared: pl.Expr, failed: int) -> pl.Expr:
    """Return our next size after `failed` attempts that ran out of memory.

    Times 1.5, then times 2 and at least the declared size. After these two enlargements a step
    fails, with its numbers; the replay takes it that a person then doubles its size until it fits,
    each of which counts as an attempt.
    """
    if failed == 1:
        return size * 1.5
    if failed == 2:  # noqa: PLR2004 (the second of two)
        return pl.max_horizontal(size * 2, declared)
    return size * 2


def measure(frame: pl.DataFrame, size: str, enlarge: Enlarge) -> Measured:
    """Return what a policy reserved and wasted.

    Args:
        frame: `needed`, `duration_seconds`, `declared` and the policy's sizes, one row a run.
        size: Name of the column of its first sizes, bytes.
        enlarge: What the next attempt gets.

    What an attempt reserves is its size times its duration, a failed one included, which runs its
    full duration. Useful is what was needed times the duration, once a run; wasted is the rest.
    """
    rows = frame.lazy().select("needed", "duration_seconds", "declared", pl.col(size).alias("size"))
    first = rows.select(
        reserved=(pl.col("size") * pl.col("duration_seconds")).sum(),
        useful=(pl.col("needed") * pl.col("duration_seconds")).sum(),
        runs=pl.len(),
    ).collect()
    reserved, useful, runs = first.row(0)
    attempts, failed = runs, 0
    left = rows.filter(pl.col("needed") > pl.col("size")).collect()
    first_try = left.height
    while left.height and failed < MOST_ATTEMPTS:
        failed += 1
        left = left.with_columns(enlarge(pl.col("size"), pl.col("declared"), failed).alias("size"))
        reserved += (left["size"] * left["duration_seconds"]).sum()
        attempts += left.height
        left = left.filter(pl.col("needed") > pl.col("size"))
    unit = GB * HOUR_SECONDS
    return Measured(
        reserved_gb_hours=reserved / unit,
        useful_gb_hours=useful / unit,
        wasted_gb_hours=(reserved - useful) / unit,
        wasted_share=(reserved - useful) / reserved if reserved else 0.0,
        first_try_out_of_memory=first_try,
        first_try_oom_rate=first_try / runs if runs else 0.0,
        attempts=attempts,
        most_attempts=failed + 1 if runs else 0,
    )
