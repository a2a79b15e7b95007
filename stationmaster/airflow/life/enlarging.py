"""What a shard gets after the kernel killed its attempt for memory, and how that is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stationmaster.airflow.life.podfacts import (
    ended,
    human_bytes,
    memory_limit_in_force,
    moment,
    who,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from stationmaster.airflow.life.budgets import Budgets
    from stationmaster.airflow.life.findings import Finding

__all__ = ["ADVICE", "enlarged_bytes", "gave_up", "needed"]

ADVICE: Final = (
    "Split the work (shards=, or .expand()), let a Spark job do it, or raise "
    "STATIONMASTER_LARGEST_STEP_MEMORY (chart: steps.largestMemory) to what the largest node of a "
    "bigger pool can give."
)


def enlarged_bytes(finding: Finding, pod: Mapping[str, Any], budgets: Budgets) -> int | None:
    """Return the memory of the next attempt, None where more of it is not to be had.

    Only the step's own container is enlarged: an init container's limit is its author's, and
    without a limit it was the node that had no more.
    """
    limit = memory_limit_in_force(pod, finding.result)
    if limit is None or finding.exit_code is None:
        return None
    return budgets.more_memory(limit)


def needed(finding: Finding, pod: Mapping[str, Any]) -> str:
    """Return what is known of the need: "extract-app needed more than 512 MiB (last seen …)"."""
    seen = []
    if finding.result is not None and (peak := finding.result.measurements.peak_memory_bytes):
        seen.append(f"last seen {human_bytes(peak)}")
    killed_at = moment((ended(pod) or {}).get("finishedAt"))
    if killed_at is not None:
        seen.append(f"killed at {killed_at:%H:%M:%S} UTC")
    limit = memory_limit_in_force(pod, finding.result)
    words = f"{who(pod)} needed more than {human_bytes(limit)}"
    return f"{words} ({', '.join(seen)})" if seen else words


def gave_up(finding: Finding, pod: Mapping[str, Any], budgets: Budgets, further: int) -> Finding:
    """Return the finding of an attempt after which no bigger one comes, with numbers and advice.

    Args:
        finding: Of the last attempt.
        pod: Of it.
        budgets: Of the try.
        further: How many bigger attempts there were.
    """
    limit = memory_limit_in_force(pod, finding.result)
    if finding.exit_code is None:
        return finding
    if limit is None:
        words = "It has no memory limit of its own that could be raised"
        hint = "Give the step a size, so that it gets a limit, and a node with that much room."
    elif limit >= budgets.memory_cap_bytes:
        words = f"A step gets no more than {human_bytes(budgets.memory_cap_bytes)} here"
        hint = ADVICE
    else:
        words = f"It was enlarged {_times(further)} already"
        hint = f"Give the step a bigger size, or find out why it grows. {ADVICE}"
    sentence = f"{needed(finding, pod)}. {words}."
    return finding.model_copy(update={"sentence": sentence, "hint": hint})


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
