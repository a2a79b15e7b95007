"""What a spool of log lines is made of: limits, segments, gaps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stationmaster.step.logs.format import Gap

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Segment", "SpoolLimits", "Written", "joined"]


@dataclass(frozen=True)
class SpoolLimits:
    """Say how much waits where, in bytes, and how long."""

    flush_seconds: float = 2.0
    """What is there is written after this time at the latest."""
    part_bytes: int = 1 << 20
    """What is there is written as soon as it is this much."""
    object_bytes: int = 256 << 10
    """An object that has this much is not written again: the next one begins."""
    memory_bytes: int = 8 << 20
    """More than this waits in files."""
    disk_bytes: int = 256 << 20
    """More than this is given up, the oldest first; 0 uses no files at all."""


@dataclass
class Segment:
    """Hold the lines of one object."""

    stored: bytes = b""
    """What the store has of it."""
    waiting: bytearray = field(default_factory=bytearray)
    file: Path | None = None
    """Where `waiting` is when it is not in memory."""
    size: int = 0
    """Bytes that wait, in memory or in the file."""
    lines: int = 0
    first_ms: int = 0
    last_ms: int = 0


@dataclass(frozen=True)
class Written:
    """Hold what goes to the store in one call."""

    segment: Segment
    body: bytes
    taken: int
    """How many of the segment's waiting bytes are in it."""
    gap: Gap | None


def joined(one: Gap | None, other: Gap | None) -> Gap | None:
    """Return one gap for two that have no line between them."""
    if one is None or other is None:
        return one or other
    first = min(one.first_ms, other.first_ms)
    last = max(one.last_ms, other.last_ms)
    return Gap(one.lines + other.lines, first, last, other.reason)
