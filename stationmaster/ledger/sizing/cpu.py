"""CPU from seconds used over seconds taken, and from throttling."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stationmaster.ledger.sizing.observations import Observation
    from stationmaster.ledger.sizing.recommending import Limits

__all__ = ["CpuRecommendation", "recommend_cpu"]

USUAL: Final = 0.95
"""The request covers this share of the recent runs; a request that is too small only slows down."""

LEAST_MILLICORES: Final = 25
STEP_MILLICORES: Final = 25
CPU_RUNS: Final = 20
THROTTLED: Final = 0.05
"""Held back for a larger part of its time, a step needs more than it could show."""

MORE_WHEN_THROTTLED: Final = 1.5
LEAST_SECONDS: Final = 2.0
"""Runs that are shorter say more of starting than of working."""


@dataclass(frozen=True)
class CpuRecommendation:
    """Hold the CPU request for a step's next run, and why."""

    millicores: int
    declared_millicores: int
    runs: int
    why: str


def recommend_cpu(
    runs: Sequence[Observation], declared_millicores: int, limits: Limits
) -> CpuRecommendation:
    """Return the CPU that covers 95 of 100 recent runs.

    Cores of a run are CPU seconds over seconds of duration. A run that was throttled for more than
    5 % of its time could not show what it needs: the request grows by half until none is. The size
    stays as declared until `limits.least_runs` runs of at least 2 s were measured.
    """
    measured = [
        run
        for run in runs
        if run.cpu_seconds is not None
        and run.cpu_seconds >= 0
        and run.duration_seconds >= LEAST_SECONDS
    ][-CPU_RUNS:]
    if len(measured) < limits.least_runs:
        words = f"{len(measured)} of {limits.least_runs} runs measured"
        return CpuRecommendation(
            declared_millicores, declared_millicores, len(measured), f"{words}: as declared"
        )
    cores = sorted((run.cpu_seconds or 0.0) / run.duration_seconds for run in measured)
    usual = cores[ceil(USUAL * len(cores)) - 1] * 1000
    why = f"{usual:.0f}m cover 95 of 100 of the last {len(cores)} runs"
    throttled = [run for run in measured if _throttled_share(run) > THROTTLED]
    if throttled:
        held = max(run.requested_millicores or declared_millicores for run in throttled)
        usual = max(usual, held * MORE_WHEN_THROTTLED)
        why += f"; {len(throttled)} were throttled at {held}m"
    millicores = max(ceil(usual / STEP_MILLICORES) * STEP_MILLICORES, LEAST_MILLICORES)
    if millicores > limits.node_millicores:
        millicores, why = limits.node_millicores, f"{why}; the largest node has no more"
    return CpuRecommendation(millicores, declared_millicores, len(measured), why)


def _throttled_share(run: Observation) -> float:
    return (run.throttled_seconds or 0.0) / run.duration_seconds
