"""What a launcher uses, for its log and for metrics: steps, memory, requests to the API server."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import TYPE_CHECKING, Any, Final

import psutil
from airflow.sdk.observability import stats

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["FIGURES_SECONDS", "tell_for_ever"]

FIGURES_SECONDS: Final = 30.0

log = logging.getLogger(__name__)


async def tell_for_ever(steps: Callable[[], int], requests: Mapping[str, int]) -> None:
    """Write the figures into the log where something was done, and hand them to StatsD or OTel.

    Args:
        steps: Returns how many are in hand.
        requests: How many were sent to the API server since the start, by verb.
    """
    process, told = psutil.Process(), ""
    while True:
        await asyncio.sleep(FIGURES_SECONDS)
        counts = {"steps": steps(), "requests": dict(sorted(requests.items()))}
        figures = {**counts, **_used(process)}
        _gauge(figures)
        if (text := json.dumps(counts)) != told:
            told = text
            log.info("Launcher figures: %s", json.dumps(figures))


def _used(process: psutil.Process) -> dict[str, Any]:
    return {
        "resident_mib": round(process.memory_info().rss / 2**20, 1),
        "cpu_seconds": round(time.process_time(), 1),
    }


def _gauge(figures: Mapping[str, Any]) -> None:
    for verb, count in figures["requests"].items():
        stats.gauge(f"stationmaster.launcher.requests.{verb}", count)
    for name in ("steps", "resident_mib", "cpu_seconds"):
        stats.gauge(f"stationmaster.launcher.{name}", figures[name])
