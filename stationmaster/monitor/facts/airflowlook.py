"""One look at Airflow over its REST API: what it answered stands for the whole look."""

from __future__ import annotations

import datetime as dt
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from stationmaster.monitor.facts.airflow import (
    AirflowPart,
    AirflowPipeline,
    AirflowPool,
    AirflowRun,
    AirflowTask,
    ImportProblem,
)
from stationmaster.monitor.facts.once import Once

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stationmaster.monitor.facts.airflowapi import AirflowApi
    from stationmaster.monitor.facts.trouble import Trouble

__all__ = ["AirflowLook"]

RECENT: Final = dt.timedelta(hours=6)
MOST_ENDED: Final = 1000
GOING: Final = ("queued", "running")
TURN: Final = (
    *("queued", "scheduled", "running", "deferred"),
    *("up_for_retry", "up_for_reschedule", "restarting"),
)
"""In the order in which checks want them, should there be more than a look reads."""

TASKS: Final = "/api/v2/dags/~/dagRuns/~/taskInstances"
RUNS: Final = "/api/v2/dags/~/dagRuns"


class AirflowLook:
    """Answer as `AirflowFacts`; asks each question once.

    Args:
        api: Kept between looks.
        now: The look's moment.
    """

    def __init__(self, api: AirflowApi, now: dt.datetime) -> None:
        self._api = api
        self._now = now
        self._lock = threading.Lock()
        self._ended: dict[dt.datetime, Once[tuple[AirflowRun, ...]]] = {}
        self.trouble: Once[Trouble | None] = Once(api.trouble)
        self.parts: Once[tuple[AirflowPart, ...]] = Once(self._parts)
        self.pipelines: Once[tuple[AirflowPipeline, ...]] = Once(self._pipelines)
        self.runs: Once[tuple[AirflowRun, ...]] = Once(self._runs)
        self.tasks: Once[tuple[AirflowTask, ...]] = Once(self._tasks)
        self.latest_start: Once[dt.datetime | None] = Once(self._latest_start)
        self.pools: Once[tuple[AirflowPool, ...]] = Once(self._pools)
        self.import_problems: Once[tuple[ImportProblem, ...]] = Once(self._import_problems)

    @property
    def url(self) -> str:
        """Return where Airflow's pages are."""
        return self._api.url

    def ended_runs(self, since: dt.datetime) -> tuple[AirflowRun, ...]:
        """Return the runs that ended since a moment, the last ones first, 1,000 at most."""
        with self._lock:
            asked = self._ended.setdefault(since, Once(partial(self._ended_runs, since)))
        return asked()

    def _ended_runs(self, since: dt.datetime) -> tuple[AirflowRun, ...]:
        query = {
            "state": ("success", "failed"),
            "end_date_gte": since.isoformat(),
            "order_by": "-end_date",
        }
        found: list[AirflowRun] = []
        for row in self._api.pages(RUNS, "dag_runs", query):
            found.append(_run(row))
            if len(found) >= MOST_ENDED:
                break
        return tuple(found)

    def _parts(self) -> tuple[AirflowPart, ...]:
        health = self._api.health()
        return tuple(
            AirflowPart(
                name=name.replace("_", "-"),
                healthy=None if part.get("status") is None else part["status"] == "healthy",
                heartbeat=_moment(part.get(f"latest_{name}_heartbeat")),
            )
            for name, part in sorted(health.items())
            if isinstance(part, dict)
        )

    def _pipelines(self) -> tuple[AirflowPipeline, ...]:
        rows = self._api.pages("/api/v2/dags", "dags", {"order_by": "dag_id"})
        return tuple(
            AirflowPipeline(
                name=row["dag_id"],
                paused=bool(row["is_paused"]),
                broken=bool(row.get("has_import_errors")),
                file=row.get("relative_fileloc") or row.get("fileloc") or "",
                schedule=row.get("timetable_summary") or "",
                next_run_after=_moment(row.get("next_dagrun_run_after")),
                parsed_at=_moment(row.get("last_parsed_time")),
                owners=tuple(row.get("owners") or ()),
                tags=tuple(sorted(tag["name"] for tag in row.get("tags") or ())),
            )
            for row in rows
        )

    def _runs(self) -> tuple[AirflowRun, ...]:
        query = {"state": GOING, "order_by": "run_after"}
        return tuple(_run(row) for row in self._api.pages(RUNS, "dag_runs", query))

    def _tasks(self) -> tuple[AirflowTask, ...]:
        found = [
            _task(row)
            for state in TURN
            for row in self._api.pages(TASKS, "task_instances", {"state": state, "order_by": "id"})
        ]
        return tuple(found)

    def _latest_start(self) -> dt.datetime | None:
        # Bounded: rows without a start would come first in Postgres, and old ones are many.
        since = (self._now - RECENT).isoformat()
        query = {"start_date_gte": since, "order_by": "-start_date", "limit": "1"}
        rows = self._api.get(TASKS, query)["task_instances"]
        return _moment(rows[0]["start_date"]) if rows else None

    def _pools(self) -> tuple[AirflowPool, ...]:
        rows = self._api.pages("/api/v2/pools", "pools", {"order_by": "name"})
        return tuple(
            AirflowPool(
                name=row["name"],
                slots=None if row["slots"] < 0 else row["slots"],
                running=row["running_slots"],
                queued=row["queued_slots"],
                deferred=row["deferred_slots"],
                scheduled=row["scheduled_slots"],
            )
            for row in rows
        )

    def _import_problems(self) -> tuple[ImportProblem, ...]:
        query = {"order_by": "filename"}
        rows = self._api.pages("/api/v2/importErrors", "import_errors", query)
        return tuple(
            ImportProblem(
                file=row["filename"],
                since=_moment(row["timestamp"]) or self._now,
                sentence=_last_line(row["stack_trace"]),
            )
            for row in rows
        )


def _run(row: Mapping[str, Any]) -> AirflowRun:
    return AirflowRun(
        pipeline=row["dag_id"],
        run_id=row["dag_run_id"],
        state=row["state"],
        kind=row["run_type"],
        run_after=dt.datetime.fromisoformat(row["run_after"]),
        interval_start=_moment(row.get("data_interval_start")),
        interval_end=_moment(row.get("data_interval_end")),
        queued_at=_moment(row.get("queued_at")),
        started_at=_moment(row.get("start_date")),
        ended_at=_moment(row.get("end_date")),
    )


def _task(row: Mapping[str, Any]) -> AirflowTask:
    return AirflowTask(
        pipeline=row["dag_id"],
        run_id=row["dag_run_id"],
        step=row["task_id"],
        map_index=row["map_index"],
        state=row["state"] or "",
        try_number=row["try_number"],
        tries=row["max_tries"] + 1,
        pool=row["pool"],
        slots=row["pool_slots"],
        executor=row.get("executor") or "",
        scheduled_at=_moment(row.get("scheduled_when")),
        queued_at=_moment(row.get("queued_when")),
        started_at=_moment(row.get("start_date")),
        ended_at=_moment(row.get("end_date")),
    )


def _moment(text: str | None) -> dt.datetime | None:
    if not text:
        return None
    found = dt.datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def _last_line(trace: str) -> str:
    lines = [line.strip() for line in trace.splitlines() if line.strip()]
    return lines[-1][:500] if lines else "no reason given"
