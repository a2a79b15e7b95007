"""In how many shards a step splits its work, by the day's volume: plain functions.

Without history a shard gets 10,000 orders. With the ledger's rows per second of the step a shard
gets what it does in a target time. Both within the same bounds; below 10,000 orders a step is not
split, since a second process would take longer to start than the work it takes over.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stationmaster.ledger.records import AttemptRecord

__all__ = [
    "LEAST_SHARDS",
    "MOST_SHARDS",
    "ORDERS_A_SHARD",
    "TARGET_SECONDS",
    "Fanout",
    "Volume",
    "rows_per_second",
    "shards_for",
]

ORDERS_A_SHARD: Final = 10_000
LEAST_SHARDS: Final = 2
"""Of a step that is split at all."""
MOST_SHARDS: Final = 50
TARGET_SECONDS: Final = 60.0
"""Work of one shard, where the step's speed is known; start and publishing come on top."""

_RUNS: Final = 20
"""Attempts that the speed is taken from."""
_ENOUGH: Final = 5
"""With fewer the ledger does not know the speed yet, as with sizes."""
_SUCCEEDED: Final = "succeeded"


@dataclass(frozen=True)
class Volume:
    """Hold how much a step is to read: what is counted (orders, say), and all rows.

    `size_bytes`, as it was delivered, is None where the source does not tell.
    """

    units: int
    rows: int
    size_bytes: int | None = None

    def __post_init__(self) -> None:
        """Refuse what no source can hold.

        Raises:
            ValueError: A count is negative.
        """
        if min(self.units, self.rows, self.size_bytes or 0) < 0:
            message = (
                f"expected counts of 0 or more, got {self.units}, {self.rows}, {self.size_bytes}"
            )
            raise ValueError(message)


@dataclass(frozen=True)
class Fanout:
    """Hold a number of shards and, in one sentence, why it is that."""

    shards: int
    why: str


def shards_for(  # noqa: PLR0913 (the volume, and each bound of the rule)
    volume: Volume,
    rate: float | None = None,
    *,
    target_seconds: float = TARGET_SECONDS,
    units_a_shard: int = ORDERS_A_SHARD,
    least: int = LEAST_SHARDS,
    most: int = MOST_SHARDS,
    unit: str = "orders",
) -> Fanout:
    """Return in how many shards a step splits a volume.

    Args:
        volume: What it is to read.
        rate: Rows that one shard of it reads in a second, as the ledger has it; None: unknown.
        target_seconds: Work of one shard where the rate is known.
        units_a_shard: Units of one shard where the rate is not known; fewer are not split.
        least: Shards of a step that is split.
        most: Shards at most.
        unit: What is counted, for the sentence.

    Raises:
        ValueError: A bound makes no sense.
    """
    _check_bounds(target_seconds, units_a_shard, least, most)
    told = f"{volume.units:,} {unit}"
    if volume.units < units_a_shard:
        return Fanout(1, f"{told}: not split below {units_a_shard:,}.")
    if rate is None or not math.isfinite(rate) or rate <= 0:
        wanted = math.ceil(volume.units / units_a_shard)
        reason = f"one for each {units_a_shard:,}"
    else:
        wanted = math.ceil(volume.rows / (rate * target_seconds))
        reason = (
            f"{volume.rows:,} rows at {rate:,.0f} rows a second, "
            f"{target_seconds:.0f} s of work for each"
        )
    shards = min(max(wanted, least), most)
    kept = "least" if wanted < shards else "most"
    bound = "" if shards == wanted else f" would be {wanted:,}, and the {kept} is {shards}"
    named = "1 shard" if shards == 1 else f"{shards} shards"
    return Fanout(shards, f"{told} in {named}: {reason}{bound}.")


def rows_per_second(attempts: Iterable[AttemptRecord]) -> float | None:
    """Return how many rows one shard of a step reads in a second; None until 5 attempts tell.

    Of the last 20 attempts that succeeded, the half with the most rows counts, and of that the
    median: in a small attempt the start of the process is most of the time.
    """
    told = [
        each
        for each in attempts
        if each.verdict == _SUCCEEDED and (each.rows_read or 0) > 0 and (each.wall_seconds or 0) > 0
    ]
    last = sorted(told, key=lambda each: each.recorded_at)[-_RUNS:]
    if len(last) < _ENOUGH:
        return None
    largest = sorted(last, key=lambda each: each.rows_read or 0)[len(last) // 2 :]
    return statistics.median((each.rows_read or 0) / (each.wall_seconds or 1) for each in largest)


def _check_bounds(target_seconds: float, units_a_shard: int, least: int, most: int) -> None:
    if not (target_seconds > 0 and units_a_shard > 0 and 1 <= least <= most):
        message = (
            "expected target_seconds and units_a_shard above 0 and 1 <= least <= most, got "
            f"{target_seconds}, {units_a_shard}, {least}, {most}"
        )
        raise ValueError(message)
