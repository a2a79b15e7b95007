"""What a step says of itself, where it can be true; light, as records are.

A step may write any number. What no machine can have done is kept aside, so that it neither
loses the attempt nor enters a size, a forecast or a bill.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from pydantic import JsonValue

    from stationmaster.step.protocol import StepResult

__all__ = ["Told", "believed", "clock_doubts", "in_words"]

MOST_MEMORY_BYTES: Final = 64 * 2**40
"""Twice what the largest machine of a cloud has (AWS u7inh-32tb: 32 TiB)."""

MOST_CORES: Final = 1024
"""No machine of a cloud has more (AWS u7i: 896)."""

MOST: Final = {"rows": 10**15, "bytes": 10**18}
"""By the first word of a measurement's name; 10^18 bytes are an exabyte."""

OVER_THE_LIMIT: Final = 2.0
"""Pages shared by several processes may be counted twice, but not more is possible: the kernel
ends whoever takes more than the limit."""

WALL_SLACK_SECONDS: Final = 5.0
"""Kubernetes cuts both ends of a container's life to whole seconds."""

ONLY_EVIDENCE: Final = frozenset({"memory_limit_bytes", "oom_kills"})
"""Measurements that verdicts are judged by; they stay in the result and have no column."""

SKEW_SECONDS: Final = 2.0
"""Times of several machines may disagree by the cut of a second and a little more."""

ORDER: Final = (
    *("queued_at", "created_at", "scheduled_at", "pulled_at", "started_at", "finished_at"),
)

Doubts = dict[str, "JsonValue"]


@dataclass(frozen=True)
class Told:
    """Hold what others than the step say of the attempt."""

    started_at: dt.datetime | None = None
    finished_at: dt.datetime | None = None
    asked_memory_bytes: int | None = None

    @property
    def wall_seconds(self) -> float | None:
        """Return how long the container ran; None where not known, or where clocks disagree."""
        if self.started_at is None or self.finished_at is None:
            return None
        seconds = (self.finished_at - self.started_at).total_seconds()
        return seconds if seconds >= 0 else None


def believed(result: StepResult | None, told: Told) -> dict[str, Any]:
    """Return the fields of a record that a step's last word fills.

    Args:
        result: The step's last word.
        told: What its claims are held against.

    Returns:
        Measurements that can be true, `measured_by`, and `doubted`: by field what was told and
        why it cannot be. A step that did not look at its memory says 0: that is not known.
    """
    wall = told.wall_seconds
    if result is None or "measurements" not in result.model_fields_set:
        return {} if wall is None else {"wall_seconds": wall}
    fields: dict[str, Any] = {"measured_by": "step"}
    doubted: Doubts = {}
    for name, value in result.measurements.model_dump(exclude=set(ONLY_EVIDENCE)).items():
        if value is None or (value == 0 and name.startswith("peak_")):
            continue
        why = _impossible(name, value, told, result.measurements.wall_seconds)
        if why:
            doubted[name] = {"told": _storable(value), "why": why}
        else:
            fields[name] = value
    if doubted:
        fields["doubted"] = doubted
    if wall is not None:
        fields.setdefault("wall_seconds", wall)
    return fields


def clock_doubts(times: Mapping[str, Any]) -> Doubts:
    """Return the moments that lie before the one that must precede them, by field.

    Args:
        times: The fields of an attempt, moments among them. None of them is changed:
            `stationmaster.ledger.phases` makes no span negative.
    """
    found: Doubts = {}
    last_name = ""
    last: dt.datetime | None = None
    for name in ORDER:
        moment: dt.datetime | None = times.get(name)
        if moment is None:
            continue
        if last is not None and (last - moment).total_seconds() > SKEW_SECONDS:
            seconds = (last - moment).total_seconds()
            why = f"lies {seconds:.0f} s before {last_name}: clocks of two machines disagree"
            found[name] = {"told": moment.isoformat(), "why": why}
            continue
        last_name, last = name, moment
    return found


def in_words(doubted: Mapping[str, JsonValue]) -> str:
    """Return what is doubted as a sentence: which field, what was told, why it cannot be."""
    words = []
    for name, doubt in doubted.items():
        found = doubt if isinstance(doubt, dict) else {}
        words.append(f"{name} {found.get('told')} {found.get('why', 'cannot be true')}")
    return f"Left out: {'; '.join(words)}."


def _impossible(name: str, value: float, told: Told, told_wall: float) -> str:
    """Return why a measurement cannot be true, "" where it can."""
    if not math.isfinite(value):
        return "is no finite number"
    if value < 0:
        return "is negative"
    kind = name.partition("_")[0]
    if kind == "peak":
        return _impossible_memory(value, told.asked_memory_bytes)
    if kind in MOST:
        return f"is more than {MOST[kind]:.0e} {kind}" if value > MOST[kind] else ""
    return _impossible_seconds(name, value, told.wall_seconds, told_wall)


def _impossible_memory(value: float, limit: int | None) -> str:
    if limit and value > OVER_THE_LIMIT * limit:
        return f"is more than twice the limit of {limit} bytes that the kernel held it to"
    return "is more than any machine has" if value > MOST_MEMORY_BYTES else ""


def _impossible_seconds(name: str, value: float, wall: float | None, told_wall: float) -> str:
    longest = None if wall is None else wall * 1.01 + WALL_SLACK_SECONDS
    if name == "wall_seconds":
        if longest is not None and value > longest:
            return f"is longer than the {wall:.0f} s that the container ran"
        return ""
    if longest is None:
        longest = told_wall if math.isfinite(told_wall) else 0.0
    if value > MOST_CORES * max(longest, 1.0):
        return f"is more than {MOST_CORES} cores use in {longest:.0f} s"
    return ""


def _storable(value: float) -> JsonValue:
    """Return a number as JSON holds it: no infinity, and no more digits than a double has."""
    if isinstance(value, int):
        return value if abs(value) < 2**63 else str(value)
    return value if math.isfinite(value) else str(value)
