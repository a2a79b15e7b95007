"""How memory of steps behaves over their runs: families of realistic histories, seeded."""

from __future__ import annotations

from math import exp, log, sin, tau
from typing import TYPE_CHECKING, Final, NamedTuple

from stationmaster.ledger.sizing.observations import MIB

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

__all__ = [
    "SHAPES",
    "Run",
    "Shape",
    "bimodal",
    "changed",
    "clustered",
    "constant",
    "fleeting",
    "growing",
    "heavy_tailed",
    "input_driven",
    "leaking",
    "saturating",
    "seasonal",
]


class Run(NamedTuple):
    """Hold one run that is made up: bytes and seconds."""

    peak_bytes: int
    input_bytes: int
    duration_seconds: float


class Shape(NamedTuple):
    """Hold one step's scale: a typical peak, how much it varies, and how long it takes."""

    typical_bytes: float
    variation: float
    typical_seconds: float


def _run(rng: Random, shape: Shape, peak: float, volume: float, load: float = 1.0) -> Run:
    """Return a run; `volume` is its share of a typical input, `load` of a typical duration."""
    seconds = shape.typical_seconds * load * exp(rng.gauss(0, 0.15))
    return Run(
        peak_bytes=max(int(peak), 2 * MIB),
        input_bytes=max(int(shape.typical_bytes * 0.4 * volume), 1),
        duration_seconds=round(seconds, 3),
    )


def constant(rng: Random, shape: Shape, runs: int) -> list[Run]:
    """Return runs that need the same but for noise: an index loaded, a fixed heap."""
    noise = shape.variation * 0.05
    volumes = [exp(rng.gauss(0, 0.5)) for _ in range(runs)]
    return [
        _run(rng, shape, shape.typical_bytes * exp(rng.gauss(0, noise)), volume, volume)
        for volume in volumes
    ]


def growing(rng: Random, shape: Shape, runs: int) -> list[Run]:
    """Return runs whose volume, and so memory, doubles about every 100 to 400 runs."""
    rate = log(2) / rng.uniform(100, 400)
    made = []
    for number in range(runs):
        volume = exp(rate * number + rng.gauss(0, 0.2 * shape.variation))
        peak = shape.typical_bytes * (0.2 + 0.8 * volume) * exp(rng.gauss(0, 0.02))
        made.append(_run(rng, shape, peak, volume, volume))
    return made


def leaking(rng: Random, shape: Shape, runs: int) -> list[Run]:
    """Return runs that need a little more each time until someone repairs them, and again."""
    rate, repaired, base = rng.uniform(0.002, 0.02), rng.randint(20, 120), 0
    made = []
    for number in range(runs):
        if number - base >= repaired:
            base, repaired = number, rng.randint(20, 120)
        peak = shape.typical_bytes * (1 + rate * (number - base)) * exp(rng.gauss(0, 0.01))
        made.append(_run(rng, shape, peak, exp(rng.gauss(0, 0.3))))
    return made


def seasonal(rng: Random, shape: Shape, runs: int) -> list[Run]:
    """Return runs with a weekly rhythm and a heavier month's end."""
    swing, month_end = 0.05 + 0.5 * shape.variation, 1 + shape.variation * rng.random()
    made = []
    for number in range(runs):
        volume = 1 + swing * sin(tau * number / 7) + 0.05 * rng.gauss(0, 1)
        volume *= month_end if number % 30 == 29 else 1.0  # noqa: PLR2004 (the last of 30 days)
        peak = shape.typical_bytes * (0.3 + 0.7 * volume) * exp(rng.gauss(0, 0.03))
        made.append(_run(rng, shape, peak, volume, volume))
    return made


def bimodal(rng: Random, shape: Shape, runs: int) -> list[Run]:
    """Return runs of two kinds: most take the short way, some rebuild everything."""
    share, factor = rng.uniform(0.05, 0.5), 1.1 + 4.0 * shape.variation
    made = []
    for _ in range(runs):
        heavy = rng.random() < share
        level = factor if heavy else 1.0
        peak = shape.typical_bytes * level * exp(rng.gauss(0, 0.1 * shape.variation))
        made.append(_run(rng, shape, peak, exp(rng.gauss(0, 0.3)), level))
    return made


def heavy_tailed(rng: Random, shape: Shape, runs: int) -> list[Run]:
    """Return runs with a lognormal peak: now and then one needs much more."""
    sigma = 0.01 + 0.6 * shape.variation
    made = []
    for _ in range(runs):
        excess = exp(rng.gauss(0, sigma))
        made.append(_run(rng, shape, shape.typical_bytes * excess, exp(rng.gauss(0, 0.5)), excess))
    return made


def input_driven(rng: Random, shape: Shape, runs: int) -> list[Run]:
    """Return runs whose input size explains the peak, up to noise."""
    spread, noise = 0.05 + 1.2 * shape.variation, rng.uniform(0.01, 0.08)
    made = []
    for _ in range(runs):
        volume = exp(rng.gauss(0, spread))
        peak = shape.typical_bytes * (0.1 + 0.9 * volume) * exp(rng.gauss(0, noise))
        made.append(_run(rng, shape, peak, volume, volume))
    return made


def saturating(rng: Random, shape: Shape, runs: int) -> list[Run]:
    """Return runs that mostly reach a ceiling (a heap, a buffer), and sometimes less."""
    reach, noise = rng.uniform(0.3, 0.9), rng.uniform(0.002, 0.02)
    made = []
    for _ in range(runs):
        volume = exp(rng.gauss(0, 0.7))
        ceiling = shape.typical_bytes * exp(rng.gauss(0, noise))
        below = shape.typical_bytes * rng.uniform(1 - shape.variation, 1.0)
        peak = ceiling if rng.random() < reach else min(ceiling, below)
        made.append(_run(rng, shape, peak, volume, volume))
    return made


def clustered(rng: Random, shape: Shape, runs: int) -> list[Run]:
    """Return runs in groups (a sample, a tenant): within one all need the same."""
    made: list[Run] = []
    while len(made) < runs:
        level = shape.typical_bytes * exp(rng.gauss(0, 0.3 * shape.variation))
        for _ in range(rng.randint(3, 25)):
            volume = exp(rng.gauss(0, 0.4))
            made.append(_run(rng, shape, level * exp(rng.gauss(0, 0.004)), volume, volume))
    return made[:runs]


def changed(rng: Random, shape: Shape, runs: int) -> list[Run]:
    """Return runs of a job that is rewritten now and then, for better or worse."""
    level, left = 1.0, rng.randint(15, 100)
    made = []
    for _ in range(runs):
        left -= 1
        if left <= 0:
            level, left = level * exp(rng.gauss(0, 0.4)), rng.randint(15, 100)
        peak = shape.typical_bytes * level * exp(rng.gauss(0, 0.08 * shape.variation))
        made.append(_run(rng, shape, peak, exp(rng.gauss(0, 0.3))))
    return made


def fleeting(rng: Random, shape: Shape, runs: int) -> list[Run]:
    """Return runs that end before anybody looks: tiny peaks, measured by chance, no duration."""
    small = Shape(6.0 * MIB, shape.variation, 1.0)
    made = []
    for _ in range(runs):
        run = _run(rng, small, small.typical_bytes * rng.uniform(0.5, 1.8), 1.0)
        made.append(run._replace(duration_seconds=float(rng.randint(0, 2))))
    return made


SHAPES: Final[dict[str, Callable[[Random, Shape, int], list[Run]]]] = {
    "bimodal": bimodal,
    "changed": changed,
    "clustered": clustered,
    "constant": constant,
    "fleeting": fleeting,
    "growing": growing,
    "heavy-tailed": heavy_tailed,
    "input-driven": input_driven,
    "leaking": leaking,
    "saturating": saturating,
    "seasonal": seasonal,
}
"""The families by name."""
