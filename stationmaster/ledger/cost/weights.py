"""How much of a machine's price is for its CPU and how much for its memory, as OpenCost has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["CPU_WEIGHT", "GIB", "MEMORY_WEIGHT", "Rates", "rates_of"]

GIB: Final = 2**30

CPU_WEIGHT: Final = 0.031611
MEMORY_WEIGHT: Final = 0.004237
"""USD an hour for a core and for a GiB: only their ratio counts, scaled to the node's own price.

Source: opencost/opencost, configs/aws.json (CPU, RAM); spec/opencost-specv01.md keeps their ratio.
"""


@dataclass(frozen=True)
class Rates:
    """Hold what one core and one GiB of a node cost an hour; together they are its price."""

    per_core_hour: float
    per_gib_hour: float

    def of(self, cores: float, gib: float) -> float:
        """Return what so much of the node costs an hour."""
        return cores * self.per_core_hour + gib * self.per_gib_hour


def rates_of(price_per_hour: float, cpu_millicores: int, memory_bytes: int) -> Rates:
    """Split a node's price so that all its cores and all its memory cost it together.

    Args:
        price_per_hour: Of the node, in any currency.
        cpu_millicores: Its capacity.
        memory_bytes: Its capacity.

    Raises:
        ValueError: A node without CPU and without memory.
    """
    weight = CPU_WEIGHT * cpu_millicores / 1000 + MEMORY_WEIGHT * memory_bytes / GIB
    if weight <= 0:
        msg = "a node without CPU and without memory has no rates"
        raise ValueError(msg)
    scale = price_per_hour / weight
    return Rates(CPU_WEIGHT * scale, MEMORY_WEIGHT * scale)
