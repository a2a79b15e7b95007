"""Thousands of steps on simulated nodes (KWOK): held at once, and one after the other.

KWOK plays the kubelet only: scheduler, launcher, API server and the pods in it are real, and a
simulated step ends with the last word of a real one (k8s/kind/kwok/step-done.yaml).
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.bench.cluster.alone import Alone

__all__ = ["Look", "Simulated"]

SETTLE_SECONDS = 15.0
LOOK_SECONDS = 5.0
LONGEST_SECONDS = 3000.0
LAST_FIGURES_SECONDS = 100.0

STATES = (
    "select coalesce(state, 'none') as state, count(*) as number from task_instance"
    " where run_id = any(:runs) group by 1"
)
ENDS = (
    "select cast(extract(epoch from start_date) as float) as started,"
    " cast(extract(epoch from end_date) as float) as ended from task_instance"
    " where run_id = any(:runs) and state = 'success' order by end_date"
)
OVER = ("success", "failed", "upstream_failed", "skipped")


@dataclass(frozen=True)
class Look:
    """Hold one look at everything: states of the steps, CPU seconds by part, memory."""

    at: float
    states: dict[str, int]
    cpu: dict[str, float]
    mib: dict[str, float]

    def cores_since(self, before: Look) -> dict[str, float]:
        """Return CPU seconds a second, by part, since then."""
        seconds = self.at - before.at
        return {
            name: round((now - before.cpu[name]) / seconds, 3) for name, now in self.cpu.items()
        }


class Simulated:
    """Measure a scheduler with its launcher; each measurement is a document."""

    def __init__(self, stand: Alone, steps_a_run: int) -> None:
        self._stand = stand
        self._steps_a_run = steps_a_run
        self._wait_until_idle()

    def held(self, runs: int, seconds: float) -> dict[str, Any]:
        """Hold all steps of the runs at once, each for that many seconds."""
        count = runs * self._steps_a_run
        looks, document = self._measure(runs, seconds)
        full = [look for look in looks if look.states.get("running") == count]
        # The rows say running a moment before the last pods are there.
        settled = [look for look in full if look.at >= full[0].at + SETTLE_SECONDS]
        held = {}
        if len(settled) > 1:
            first, last = settled[0], settled[-1]
            held = {
                "held_all_s": round(last.at - first.at),
                "held_cores": last.cores_since(first),
                "held_mib": last.mib,
            }
        most = max(look.states.get("running", 0) for look in looks)
        return {"what": "held", "held_most": most, **held, **document}

    def throughput(self, total: int, seconds: float) -> dict[str, Any]:
        """Run that many steps of the given time; how many a second end, and who is busy."""
        _, document = self._measure(math.ceil(total / self._steps_a_run), seconds)
        return {"what": "throughput", **document}

    def _measure(self, runs: int, seconds: float) -> tuple[list[Look], dict[str, Any]]:
        count = runs * self._steps_a_run
        requests = self._stand.figures()["requests"]
        looks = [self._look([])]
        ids = [self._stand.trigger(number, seconds) for number in range(runs)]
        triggered = self._look(ids)
        looks.append(triggered)
        while looks[-1].at - looks[0].at < LONGEST_SECONDS:
            time.sleep(LOOK_SECONDS)
            looks.append(self._look(ids))
            if sum(looks[-1].states.get(name, 0) for name in OVER) >= count:
                break
        first, last = looks[0], looks[-1]
        sent = _difference(self._last_requests(), requests)
        used = {name: round(each - first.cpu[name], 1) for name, each in last.cpu.items()}
        ours = used["launcher"] + used["scheduler"] + used["postgres"]
        return looks, {
            "steps": count,
            "step_seconds": seconds,
            "states": last.states,
            "triggered_s": round(triggered.at - first.at, 1),
            "whole_s": round(last.at - first.at),
            **self._rates(ids),
            "cores": last.cores_since(first),
            "cpu_s": used,
            "platform_cpu_s_a_step": round(ours / count, 4),
            "mib_before": first.mib,
            "mib_most": max((look.mib for look in looks), key=lambda mib: mib["resident"]),
            "requests": sent,
            "requests_a_step": round(sum(sent.values()) / count, 2),
        }

    def _wait_until_idle(self) -> None:
        """Return when the launcher has imported all: it tells its figures for the first time."""
        until = time.monotonic() + LAST_FIGURES_SECONDS * 3
        while "resident_mib" not in self._stand.figures():
            if time.monotonic() > until:
                message = "expected a first line of figures in the launcher's log, got none"
                raise RuntimeError(message)
            time.sleep(LOOK_SECONDS)

    def _look(self, ids: list[str]) -> Look:
        rows = self._stand.rows(STATES, runs=ids)
        states = {str(row["state"]): int(row["number"]) for row in rows}
        stand = self._stand
        return Look(time.monotonic(), states, stand.cpu_seconds(), stand.launcher_mib())

    def _last_requests(self) -> dict[str, int]:
        """Return the requests that the launcher has counted once it has no step in hand."""
        until = time.monotonic() + LAST_FIGURES_SECONDS
        while (figures := self._stand.figures())["steps"] and time.monotonic() < until:
            time.sleep(LOOK_SECONDS)
        found: dict[str, int] = figures["requests"]
        return found

    def _rates(self, ids: list[str]) -> dict[str, float]:
        """Return how many steps ended a second: over all, and without first and last tenth."""
        rows = self._stand.rows(ENDS, runs=ids)
        if len(rows) < len(ids):
            return {}
        ends = [row["ended"] for row in rows]
        middle = ends[len(ends) // 10 : len(ends) - len(ends) // 10]
        whole = ends[-1] - min(row["started"] for row in rows)
        return {
            "steps_a_second": round(len(ends) / whole, 2),
            "steps_a_second_middle": round(len(middle) / (middle[-1] - middle[0]), 2),
        }


def _difference(after: dict[str, int], before: dict[str, int]) -> dict[str, int]:
    return {verb: number - before.get(verb, 0) for verb, number in after.items()}
