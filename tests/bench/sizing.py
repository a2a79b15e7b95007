"""Replays of made-up histories under all policies, and how long sizing of many steps takes.

`development` are the families and seeds that were looked at while the policy was written;
`held_out` are others of both, and no constant was chosen by them; `alone` are the same with each
step sized by its own history only, as the launcher does it. `large` is 10,000 steps with 1,000
attempts each: from columns in memory to a recommendation for each step, its own replay included.

`python -m tests.bench.sizing [development|held_out|few_runs|alone|large ...]` prints JSON.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from stationmaster.ledger.sizing.comparing import POLICIES, compare
from stationmaster.ledger.sizing.fleet import recommend_all
from stationmaster.ledger.sizing.generating import Recipe, generate

if TYPE_CHECKING:
    from stationmaster.ledger.sizing.measuring import Measured
from stationmaster.ledger.sizing.measuring import enlarged, measure
from stationmaster.ledger.sizing.replaying import replay_sizes
from stationmaster.ledger.sizing.traces import as_history

__all__ = ["main"]

DEVELOPMENT: Final = (
    *("constant",) * 6,
    *("input-driven",) * 2,
    *("bimodal", "heavy-tailed", "seasonal"),
)
"""Families as often as they occur: most memory of real workflows is held by steady steps."""

HELD_OUT: Final = (
    *("saturating",) * 4,
    *("clustered",) * 4,
    *("fleeting",) * 2,
    *("growing", "leaking", "changed"),
)

REPLAYS: Final[dict[str, list[Recipe]]] = {
    "development": [
        Recipe(steps=178, shapes=DEVELOPMENT, seed=seed, rhythm=rhythm)
        for seed, rhythm in ((1, "workflow"), (2, "workflow"), (3, "workflow"), (21, "daily"))
    ],
    "held_out": [
        Recipe(steps=178, shapes=HELD_OUT, seed=seed, rhythm=rhythm)
        for seed, rhythm in (
            *((9_201, "workflow"), (9_202, "workflow"), (9_203, "workflow")),
            *((9_211, "daily"), (9_212, "daily")),
        )
    ],
    "few_runs": [
        Recipe(steps=600, shapes=HELD_OUT, seed=seed, most_runs=20) for seed in (9_301, 9_302)
    ],
}

STEPS, ATTEMPTS = 10_000, 1_000
DAY_SECONDS: Final = 86_400.0


def replayed(recipes: list[Recipe]) -> dict[str, Any]:
    """Return each policy's figures, every history weighing the same: as its useful GB·h are 1."""
    found = [compare(generate(recipe)) for recipe in recipes]
    return {name: _joined([each[name] for each in found]) for name in POLICIES}


def _joined(measured: list[Measured]) -> dict[str, float]:
    reserved = sum(each.reserved_gb_hours / each.useful_gb_hours for each in measured)
    runs = sum(each.first_try_out_of_memory / (each.first_try_oom_rate or 1) for each in measured)
    failed = sum(each.first_try_out_of_memory for each in measured)
    return {
        "wasted_share": round(1 - len(measured) / reserved, 4),
        "first_try_oom_rate": round(failed / runs, 5) if runs else 0.0,
        "worst_wasted_share": round(max(each.wasted_share for each in measured), 4),
        "worst_first_try_oom_rate": round(max(each.first_try_oom_rate for each in measured), 5),
    }


def alone(recipes: list[Recipe]) -> dict[str, float]:
    """Return the figures where each step is sized by its own history only."""
    found = []
    for recipe in recipes:
        steps = as_history(generate(recipe)).partition_by("code", maintain_order=True)
        first = pl.lit(0, dtype=pl.UInt32).alias("code")
        frames = [replay_sizes(step.with_columns(first)).frame for step in steps]
        found.append(measure(pl.concat(frames), "size", enlarged))
    return _joined(found)


def many_attempts(steps: int, attempts: int) -> pl.DataFrame:
    """Return the history of many steps, in columns: unsteady peaks, inputs that tell half of it."""
    unit = 2.0**64
    run = pl.col("row") % attempts
    chance, volume = (pl.col("row").hash(seed).cast(pl.Float64) / unit for seed in (1, 2))
    kind = pl.col("code").hash(3).cast(pl.Float64) / unit
    peak = (1e8 + 2e9 * kind * kind) * (1 + 0.3 * kind * -(1 - chance).log() + 0.3 * volume)
    return (
        pl.select(pl.int_range(steps * attempts, dtype=pl.Int64).alias("row"))
        .with_columns((pl.col("row") // attempts).cast(pl.UInt32).alias("code"))
        .select(
            (run * steps + pl.col("code")).cast(pl.UInt32).alias("order"),
            pl.col("code").cast(pl.String).cast(pl.Categorical).alias("task"),
            (run * DAY_SECONDS + pl.col("code") * 0.5).alias("submitted_at"),
            (60 + 600 * volume).alias("duration_seconds"),
            "code",
            peak.alias("needed"),
            pl.lit(8e9).alias("declared"),
            (1e9 * volume).alias("input_bytes"),
        )
    )


def large() -> dict[str, float]:
    """Return how long a recommendation for each of 10,000 steps takes, from 10 million attempts."""
    history = many_attempts(STEPS, ATTEMPTS)
    started, cpu = time.perf_counter(), time.process_time()
    found = recommend_all(history)
    return {
        "attempts": history.height,
        "recommended": len(found.steps),
        "wall_s": round(time.perf_counter() - started, 1),
        "cpu_s": round(time.process_time() - cpu, 1),
        "load_before": round(os.getloadavg()[0], 1),
        "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 1),
    }


def main(names: list[str]) -> None:
    """Run the named parts, all by default, and print JSON."""
    parts: dict[str, Any] = {}
    for name in names or [*REPLAYS, "alone", "large"]:
        if name == "large":
            parts[name] = large()
        elif name == "alone":
            parts[name] = alone(REPLAYS["held_out"])
        else:
            parts[name] = replayed(REPLAYS[name])
    sys.stdout.write(json.dumps(parts) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
