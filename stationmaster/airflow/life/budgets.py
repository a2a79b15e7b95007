"""How often and how long a step is tried inside one try of Airflow's, for each verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, Field

from stationmaster.airflow.life.findings import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AGAIN", "Budgets"]

GIBIBYTE: Final = 1024**3

AGAIN: Final[dict[Verdict, int]] = {
    Verdict.OUT_OF_MEMORY: 2,
    Verdict.EVICTED: 5,
    Verdict.PREEMPTED: 10,
    Verdict.NODE_LOST: 3,
    Verdict.DRAINED: 10,
    Verdict.POD_DELETED: 3,
    Verdict.START_FAILED: 2,
}
"""Further attempts a verdict starts, by default. What is not here ends the try at once: Airflow's
`retries` and the step's retry policy decide on it."""


class Budgets(BaseModel):
    """Bound attempts and waits of one try; a shard has them for itself. Times are in seconds."""

    model_config = ConfigDict(frozen=True)

    again: dict[Verdict, int] = Field(default_factory=lambda: dict(AGAIN))
    memory_factor: float = Field(default=2.0, ge=1.5, description="After OutOfMemory.")
    memory_cap_bytes: int = Field(
        default=16 * GIBIBYTE, gt=0, description="What the largest node gives a step."
    )
    pause_seconds: float = Field(
        default=5.0, ge=0, description="Before the second further attempt; doubles, at most 60."
    )
    schedule_seconds: float = Field(default=1800.0, gt=0, description="Waiting for a node.")
    image_seconds: float = Field(default=300.0, ge=0, description="Pulls that may yet work.")
    start_seconds: float = Field(default=600.0, gt=0, description="From a node to running.")
    config_seconds: float = Field(
        default=20.0, ge=0, description="A missing Secret or ConfigMap may be on its way."
    )
    kill_grace_seconds: int = Field(
        default=8, ge=0, description="A user's kill: of 15 s, what looking and the kubelet leave."
    )
    timeout_grace_seconds: int = Field(default=2, ge=0, description="Time is over.")

    def allows(self, verdict: Verdict, spent: Mapping[Verdict, int]) -> bool:
        """Tell whether the verdict starts another attempt after those already spent on it."""
        return spent.get(verdict, 0) < self.again.get(verdict, 0)

    def pause_before(self, spent: Mapping[Verdict, int]) -> float:
        """Return the seconds to wait: none before the first further attempt."""
        further = sum(spent.values())
        return 0.0 if further <= 1 else min(self.pause_seconds * 2.0 ** (further - 2), 60.0)

    def more_memory(self, bytes_before: int) -> int | None:
        """Return what the next attempt after OutOfMemory gets, None where the cap is reached."""
        if bytes_before >= self.memory_cap_bytes:
            return None
        return min(int(bytes_before * self.memory_factor), self.memory_cap_bytes)
