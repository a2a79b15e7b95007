"""A day of orders on nodes that Karpenter buys: containers, nodes, waiting, money.

`python -m tests.bench.cluster day` presses 24 hours into 40 minutes and prints one JSON line;
`--hour-seconds 20` tries it in a fifth of that, with work that is pressed as much and nodes that
boot as slowly.
"""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.bench.cluster.alone import NAMESPACE
from tests.bench.cluster.day_bill import price_of, read_prices
from tests.bench.cluster.day_curve import HOURS, conf_of, orders_at, work_of
from tests.bench.cluster.day_figures import burst_figures, day_figures
from tests.bench.cluster.day_samples import Claims, Sample, sample_of, write_samples

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bench.cluster.day_stand import DayStand

__all__ = ["Day"]

LOOK_SECONDS: Final = 2.0
LONGEST_END_SECONDS: Final = 600.0
LEDGER_SECONDS: Final = 75.0
"""A node's end is in the ledger with the launcher's next look at all of them."""
BURST_ORDERS: Final = 500_000
OPEN: Final = "select count(*) as number from dag_run where state in ('queued', 'running')"
TASKS: Final = (
    "select coalesce(state, 'none') as state, count(*) as number from task_instance group by 1"
)


@dataclass
class Day:
    """Live one day on a stand; `run` returns its figures."""

    stand: DayStand
    hour_seconds: float
    samples_file: Path
    hours: int = HOURS
    samples: list[Sample] = field(default_factory=list)
    claims: Claims = field(default_factory=Claims)

    def run(self) -> dict[str, Any]:
        """Return the figures of the day, and of a burst from an empty cluster after it."""
        self._prices = read_prices()
        self._began = time.monotonic()
        began = dt.datetime.now(dt.UTC)
        for hour in range(self.hours):
            self._look_until(hour * self.hour_seconds)
            work = work_of(orders_at(hour), self.hour_seconds)
            self.stand.trigger("day_analytics", conf_of(work))
        self._look_until(self.hours * self.hour_seconds)
        self._look_until_empty()
        ended = dt.datetime.now(dt.UTC)
        write_samples(self.samples_file, self.samples)
        self._look_until(self._second() + LEDGER_SECONDS)
        full = began + dt.timedelta(seconds=self.hours * self.hour_seconds)
        document = day_figures(self.stand, self.samples, self.claims, (began, ended), full)
        states = {str(row["state"]): int(row["number"]) for row in self.stand.rows(TASKS)}
        document |= {"hour_seconds": self.hour_seconds, "steps_by_state": states}
        return {**document, "burst": self._burst()}

    def _burst(self) -> dict[str, Any]:
        """Return how fast 50 containers come where there is no node, and how fast nodes go."""
        start, first = self._second(), len(self.samples)
        work = work_of(BURST_ORDERS, self.hour_seconds)
        self.stand.trigger("day_analytics", conf_of(work))
        self._look_until(start + LOOK_SECONDS * 2)
        self._look_until_empty()
        return burst_figures(self.samples[first:], start)

    def _look_until(self, second: float) -> None:
        while (left := second - self._second()) > 0:
            time.sleep(min(left, LOOK_SECONDS))
            self._look()

    def _look_until_empty(self) -> None:
        until = self._second() + LONGEST_END_SECONDS
        while self.stand.rows(OPEN)[0]["number"] or self.samples[-1].usd_per_hour:
            if self._second() > until:
                message = f"expected an empty cluster at the end, got {self.samples[-1]}"
                raise RuntimeError(message)
            time.sleep(LOOK_SECONDS)
            self._look()

    def _look(self) -> None:
        items, now, second = self.stand.plane.items, dt.datetime.now(dt.UTC), self._second()
        there = self.claims.look(items("/apis/karpenter.sh/v1/nodeclaims"), now)
        hour = second / self.hour_seconds
        sample = sample_of(
            second,
            (hour, orders_at(min(hour, HOURS))),
            items(f"/api/v1/namespaces/{NAMESPACE}/pods"),
            items("/api/v1/nodes"),
            [(each, price_of(each, self._prices)) for each in there],
        )
        self.samples.append(sample)

    def _second(self) -> float:
        return time.monotonic() - self._began
