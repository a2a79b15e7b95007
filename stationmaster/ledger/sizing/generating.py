"""Make histories of many steps that behave like real ones, for replays; seeded, so repeatable."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log
from random import Random
from typing import Final

import polars as pl

from stationmaster.ledger.sizing.observations import DAY_SECONDS, MIB
from stationmaster.ledger.sizing.shapes import SHAPES, Shape

__all__ = ["RHYTHMS", "Recipe", "generate"]

RHYTHMS: Final = ("daily", "workflow")
"""daily: each step once a day; workflow: bursts of many runs of a step, all within days."""

PRESETS_GIB: Final = (0.5, 1, 2, 4, 6, 7, 8, 10, 12, 16, 20, 24, 32, 36, 40, 48, 64, 72, 96, 128)
"""What people write: the sizes of nf-core's labels and powers of two."""

START: Final = 1_760_000_000.0


@dataclass(frozen=True)
class Recipe:
    """Say what to make.

    Args:
        steps: How many steps.
        shapes: Families, each as likely as it is named; all by default.
        seed: The same seed makes the same history.
        rhythm: One of `RHYTHMS`.
        least_runs: Fewest runs of a step.
        most_runs: Most runs; between them each order of magnitude is as likely.
    """

    steps: int = 150
    shapes: tuple[str, ...] = tuple(SHAPES)
    seed: int = 1
    rhythm: str = "workflow"
    least_runs: int = 5
    most_runs: int = 400


def generate(recipe: Recipe) -> pl.DataFrame:
    """Return a history in the columns that `stationmaster sizes replay` reads, in its order."""
    rng = Random(recipe.seed)  # noqa: S311 (made-up runs, no secret)
    rows: list[tuple[str, float, int, int, int, float]] = []
    for number in range(recipe.steps):
        name = recipe.shapes[rng.randrange(len(recipe.shapes))]
        runs = round(exp(rng.uniform(log(recipe.least_runs), log(recipe.most_runs + 0.5))))
        shape = _scale(rng)
        made = SHAPES[name](rng, shape, runs)
        preset = _preset(rng, max(run.peak_bytes for run in made))
        task = f"{name.replace('-', '_')}_{number:04}"
        moments = _moments(rng, recipe.rhythm, runs)
        rows += [
            (task, moment, run.peak_bytes, preset, run.input_bytes, run.duration_seconds)
            for moment, run in zip(moments, made, strict=True)
        ]
    schema = {
        "task": pl.String,
        "submitted_at": pl.Float64,
        "peak_bytes": pl.Int64,
        "requested_bytes": pl.Int64,
        "input_bytes": pl.Int64,
        "duration_seconds": pl.Float64,
    }
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.sort("submitted_at", maintain_order=True)


def _scale(rng: Random) -> Shape:
    """Draw a step's scale: most need little for minutes, a few much for hours.

    The larger, the steadier: what dominates a bill is an index, a heap, a table held in memory.
    """
    memory = min(max(exp(rng.gauss(log(1.2e9), 1.7)), 5.0 * MIB), 60e9)
    seconds = exp(rng.gauss(log(200), 1.3) + 0.5 * log(memory / 1.2e9))
    steadiness = min(1.0, (1e9 / memory) ** 0.4)
    return Shape(memory, rng.betavariate(1.2, 2.0) * steadiness, seconds)


def _preset(rng: Random, largest: int) -> int:
    """Draw what the author asks for: enough, mostly by a factor of 1.2 to 4."""
    wanted = largest * max(1.1, exp(rng.gauss(log(2.2), 0.6))) / 2**30
    return int(next((size for size in PRESETS_GIB if size >= wanted), wanted * 1.1) * 2**30)


def _moments(rng: Random, rhythm: str, runs: int) -> list[float]:
    """Draw when the runs are submitted, rising."""
    if rhythm == "daily":
        return [START + day * DAY_SECONDS + rng.uniform(0, 3600) for day in range(runs)]
    moments: list[float] = []
    moment = START + rng.uniform(0, DAY_SECONDS)
    while len(moments) < runs:
        moment += rng.expovariate(1 / 3_600)
        moments += [moment + 0.03 * each for each in range(rng.randint(1, 30))]
    return sorted(moments[:runs])
