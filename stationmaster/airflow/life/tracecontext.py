"""Ids of an attempt's spans, the same whoever makes them and however often.

A span's id follows from the attempt, so the pod can be told the id of its `run` span before there
is one, and an attempt that is recorded twice makes the same spans twice, not two sets of them.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

from stationmaster.ledger.phases import PhaseName

if TYPE_CHECKING:
    from stationmaster.step.protocol import StepContext

__all__ = ["TRACEPARENT_VARIABLE", "is_sampled", "span_id", "traceparent_inside"]

TRACEPARENT_VARIABLE: Final = "TRACEPARENT"
"""Where a process finds its caller's trace (OpenTelemetry, environment variable carriers)."""

TRACEPARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
"""Version, trace id, span id, flags (W3C Trace Context, version 00)."""

SAMPLED: Final = 0x01


def span_id(try_id: str, shard: int, attempt: int, phase: PhaseName) -> int:
    """Return the id of one span of an attempt: 64 bits, never 0."""
    key = f"{try_id}/{shard}/{attempt}/{phase.value}".encode()
    return int.from_bytes(hashlib.sha256(key).digest()[:8], "big") or 1


def is_sampled(traceparent: str | None) -> bool:
    """Tell whether whoever began the trace wants its spans; no where there is none."""
    found = TRACEPARENT.fullmatch(traceparent or "")
    return found is not None and bool(int(found[4], 16) & SAMPLED)


def traceparent_inside(context: StepContext) -> str | None:
    """Return what an attempt's pod is told: its `run` span as the parent of what happens in it.

    Args:
        context: Of the attempt, with its task's own traceparent; one that is not sampled stays as
            it is, since nobody makes our span then.
    """
    found = TRACEPARENT.fullmatch(context.traceparent or "")
    if found is None or not is_sampled(context.traceparent):
        return context.traceparent
    run = span_id(context.try_id, context.shard.index, context.attempt, PhaseName.RUN)
    return f"{found[1]}-{found[2]}-{run:016x}-{found[4]}"
