"""The same as `history`, in columns: what was expected of each run of many steps before it ran."""

from __future__ import annotations

from typing import Final

import polars as pl

from stationmaster.ledger.sizing.history import (
    EULER_LESS_ONE,
    FARTHEST,
    LEAST_EXPLAINED,
    LEAST_VARIATION,
    LINE_RATIOS,
    LINE_RUNS,
    SHRINK,
    TICKS_A_SECOND,
    WINDOW_RUNS,
    WINDOW_TICKS,
)
from stationmaster.ledger.sizing.observations import GB

__all__ = ["with_expectations"]

STEP: Final = "code"
RUN: Final = "run"


def with_expectations(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the runs of many steps with what was expected of each before it ran.

    Args:
        frame: `code` (unsigned number of the step), `submitted_at` (seconds), `needed`,
            `input_bytes` (null: not known) and `duration_seconds`, sorted by step and order of
            submission within it.

    Adds `run` (0, 1, … within the step), `largest`, `largest_ratio`, `largest_spread`, `line`,
    `line_ratio`, `line_spread`, as in `history.Expected`; null where nothing could be said.
    """
    frame = frame.with_columns(pl.int_range(pl.len()).over(STEP).alias(RUN))
    frame = _with_windows(frame)
    frame = _with_largest(frame)
    return _with_line(frame).drop("window_run", "window_tick")


def _with_windows(frame: pl.DataFrame) -> pl.DataFrame:
    """Add two rising numbers whose windows never reach from one step into the next."""
    ticks = (pl.col("submitted_at") * TICKS_A_SECOND).round().cast(pl.Int64)
    rising = (ticks - pl.col(RUN)).cum_max().over(STEP) + pl.col(RUN)
    frame = frame.with_columns(
        (pl.int_range(pl.len()) + pl.col(STEP).cast(pl.Int64) * WINDOW_RUNS).alias("window_run"),
        (rising - rising.min()).alias("window_tick"),
    )
    reach = (frame["window_tick"].max() or 0) + WINDOW_TICKS + 1  # type: ignore[operator]  # an Int64
    return frame.with_columns(
        (pl.col("window_tick") + pl.col(STEP).cast(pl.Int64) * reach).alias("window_tick")
    )


def _recent(value: str) -> pl.Expr:
    """Return the largest value of the last 20 runs or 14 days, whichever holds more."""
    runs = pl.col(value).rolling_max_by("window_run", f"{WINDOW_RUNS}i", closed="left")
    days = pl.col(value).rolling_max_by("window_tick", f"{WINDOW_TICKS}i", closed="left")
    return pl.max_horizontal(runs, days)


def _before(expression: pl.Expr) -> pl.Expr:
    """Return what stood at the run before, within the step."""
    return expression.shift(1).over(STEP)


def _spread(value: str) -> pl.Expr:
    logarithm = pl.col(value).log()
    count = pl.col(value).is_not_null().cum_sum()
    mean = logarithm.cum_sum() / count
    spread = (logarithm.cum_max() - mean).clip(lower_bound=0.0) / (
        count.log() + EULER_LESS_ONE + 0.5 / count
    )
    return _before(pl.when(count > 1).then(spread).otherwise(0.0).forward_fill()).fill_null(0.0)


def _with_largest(frame: pl.DataFrame) -> pl.DataFrame:
    # What shrinks by a constant factor a run is, on a tilted logarithmic scale, a running maximum.
    tilt = pl.col(RUN) * -pl.lit(SHRINK).log()
    return (
        frame.with_columns(_recent("needed").alias("window"))
        .with_columns(
            ((pl.col("window").log() + tilt).cum_max().over(STEP) - tilt).exp().alias("largest"),
            _spread("needed").alias("largest_spread"),
        )
        # exp(log(x)) is x but for the last digit; where nothing shrank, it is x.
        .with_columns(
            pl.when(pl.col("largest") <= pl.col("window") * (1 + 1e-12))
            .then(pl.col("window"))
            .otherwise(pl.col("largest"))
            .alias("largest")
        )
        .with_columns((pl.col("needed") / pl.col("largest")).alias("largest_ratio"))
        .drop("window")
    )


def _with_foretold(frame: pl.DataFrame) -> pl.DataFrame:
    """Add what a least-squares line through the runs before foretells, bytes."""
    x, y = pl.col("input_bytes") / GB, pl.col("needed") / GB
    known = pl.col("input_bytes").is_not_null()
    terms = {"sum_n": pl.lit(1.0), "sum_x": x, "sum_y": y, "sum_xx": x * x, "sum_xy": x * y}
    sums = [
        _before(pl.when(known).then(term).otherwise(0.0).cum_sum()).alias(name)
        for name, term in terms.items()
    ]
    smallest = _before(pl.col("needed").cum_min()).alias("smallest")
    highest = _before(pl.col("needed").cum_max()).alias("highest")
    n, xs, ys = pl.col("sum_n"), pl.col("sum_x"), pl.col("sum_y")
    varied = n * pl.col("sum_xx") - xs * xs
    slope = (n * pl.col("sum_xy") - xs * ys) / varied
    at = ((ys - slope * xs) / n + slope * x) * GB
    explains = (varied > LEAST_VARIATION * xs * xs) & (slope * xs > LEAST_EXPLAINED * ys)
    drawn = known & (n >= LINE_RUNS) & explains
    followed = pl.min_horizontal(pl.max_horizontal(at, "smallest"), pl.col("highest") * FARTHEST)
    return (
        frame.with_columns(*sums, smallest, highest)
        .with_columns(pl.when(drawn).then(followed).otherwise(None).alias("foretold"))
        .drop(*terms, "smallest", "highest")
    )


def _with_line(frame: pl.DataFrame) -> pl.DataFrame:
    if frame["input_bytes"].null_count() == frame.height:
        nothing = pl.lit(None, dtype=pl.Float64)
        return frame.with_columns(
            nothing.alias("line"), nothing.alias("line_ratio"), pl.lit(0.0).alias("line_spread")
        )
    frame = _with_foretold(frame)
    frame = frame.with_columns((pl.col("needed") / pl.col("foretold")).alias("missed"))
    seen = _before(pl.col("missed").is_not_null().cum_sum())
    bound = pl.col("foretold") * pl.max_horizontal(_recent("missed"), 1.0)
    return (
        frame.with_columns(
            pl.when(seen >= LINE_RATIOS).then(bound).otherwise(None).alias("line"),
            _spread("missed").alias("line_spread"),
        )
        .with_columns((pl.col("needed") / pl.col("line")).alias("line_ratio"))
        .drop("foretold", "missed")
    )
