"""An urgent step where every node is taken and Karpenter may buy no more.

`python -m tests.bench.cluster urgent` prints one JSON line: who waited, who started first, who was
moved, and on which machines each kind of step ran.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from stationmaster.ledger.models import attempt
from stationmaster.ledger.store import Ledger
from tests.bench.cluster.alone import NAMESPACE

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from tests.bench.cluster.day_stand import DayStand

__all__ = ["POOLS", "VALUES", "Urgent"]

POOLS: Final[dict[str, dict[str, Any]]] = {
    "steps-small": {"spec": {"limits": {"cpu": "10"}}},
    "steps-large": {"spec": {"limits": {"cpu": "0"}}},
}
"""Room for two nodes of 4 cores and one of 2."""

VALUES: Final = ("--set=jobs.extract-delivery.interruptible=false",)

FILL: Final = {"shards": 20, "seconds": 60}
STEADY: Final = {"shards": 1, "seconds": 150}
RECALL: Final = {"shards": 1, "seconds": 5}
FULL_SECONDS: Final = 15.0
"""For so long nothing more has started: the cluster is full."""
LONGEST_SECONDS: Final = 900.0
OPEN: Final = "select count(*) as number from dag_run where state in ('queued', 'running')"
RUNS: Final = "select dag_id, state from dag_run"


@dataclass
class Urgent:
    """Fill a stand's cluster, let something urgent come, and look who went first."""

    stand: DayStand

    def run(self) -> dict[str, Any]:
        """Return what happened."""
        self.stand.trigger("urgent_steady", STEADY)
        self._until(lambda: self._phases().get("Running", 0) == 1)
        self.stand.trigger("urgent_fill", FILL)
        self._until_full()
        before = self._phases()
        self.stand.trigger("urgent_recall", RECALL)
        self._until(lambda: self.stand.rows(OPEN)[0]["number"] == 0)
        runs = {str(row["dag_id"]): str(row["state"]) for row in self.stand.rows(RUNS)}
        return {"what": "urgent", "when_it_came": before, "runs": runs, **self._told()}

    def _told(self) -> dict[str, Any]:
        table = attempt.c
        columns = (table.pipeline, table.created_at, table.started_at, table.verdict)
        places = (table.capacity_type, table.instance_type)
        query = sa.select(*columns, *places)
        rows = Ledger.open(self.stand.ledger_uri).select(lambda _: query)
        urgent = next(row for row in rows if row["pipeline"] == "urgent_recall")
        came: dt.datetime = urgent["created_at"]
        waiting = [
            row
            for row in rows
            if row["pipeline"] == "urgent_fill"
            and row["created_at"] < came
            and (row["started_at"] is None or row["started_at"] > came)
        ]
        sooner = [row for row in waiting if (row["started_at"] or came) < urgent["started_at"]]
        return {
            "urgent_waited_s": (urgent["started_at"] - came).total_seconds(),
            "waited_longer_already": len(waiting),
            "of_those_started_before_it": sum(row["started_at"] is not None for row in sooner),
            "verdicts": _counts(rows, "verdict"),
            "machines": _counts(rows, "capacity_type"),
        }

    def _phases(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for pod in self.stand.plane.items(f"/api/v1/namespaces/{NAMESPACE}/pods"):
            phase = str(pod["status"]["phase"])
            found[phase] = found.get(phase, 0) + 1
        return found

    def _until_full(self) -> None:
        """Return when pods wait, some run, and for a while no more have started."""
        last, since = self._phases(), time.monotonic()

        def is_full() -> bool:
            nonlocal last, since
            now = self._phases()
            if now != last:
                last, since = now, time.monotonic()
            full = now.get("Pending", 0) > 0 and now.get("Running", 0) > 1
            return full and time.monotonic() - since > FULL_SECONDS

        self._until(is_full)

    def _until(self, holds: Callable[[], bool]) -> None:
        until = time.monotonic() + LONGEST_SECONDS
        while not holds():
            if time.monotonic() > until:
                message = f"expected it within {LONGEST_SECONDS:.0f} s, got {self._phases()}"
                raise RuntimeError(message)
            time.sleep(1.0)


def _counts(rows: list[dict[str, Any]], name: str) -> dict[str, dict[str, int]]:
    """Return how often each value comes, by pipeline."""
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        values = found.setdefault(str(row["pipeline"]), {})
        values[str(row[name])] = values.get(str(row[name]), 0) + 1
    return found
