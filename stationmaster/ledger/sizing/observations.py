"""One attempt as sizing sees it, and the units of this package."""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = [
    "DAY_SECONDS",
    "GB",
    "MIB",
    "PRESET_RUNS",
    "RUNS_BEFORE_SIZING",
    "Observation",
    "needed_bytes",
]

MIB: Final = 2**20
GB: Final = 10**9
"""GB·h in this package are 10⁹ bytes for one hour, as in the published replays."""

DAY_SECONDS: Final = 86_400.0

PRESET_RUNS: Final = 3
"""In a replay the first runs of a step take the declared size, whatever the policy."""

RUNS_BEFORE_SIZING: Final = 5
"""A step keeps its declared size until it has run this often (a replay starts after 3)."""


class Observation(NamedTuple):
    """Hold what one attempt of a step asked for and used.

    Times are seconds since 1970 in UTC, sizes are bytes. None: not known.
    """

    task: str
    submitted_at: float
    peak_bytes: int
    requested_bytes: int
    duration_seconds: float
    input_bytes: int | None = None
    out_of_memory: bool = False
    cpu_seconds: float | None = None
    throttled_seconds: float | None = None
    requested_millicores: int | None = None


def needed_bytes(observation: Observation) -> int:
    """Return the memory that the attempt is known to have needed.

    One that ran out of memory needed more than its limit, whatever its last measured peak says.
    """
    if observation.out_of_memory:
        return max(observation.peak_bytes, observation.requested_bytes)
    return observation.peak_bytes
