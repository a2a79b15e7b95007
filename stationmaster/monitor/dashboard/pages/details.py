"""Pages about one thing: an incident, a pipeline, a run, a step."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from stationmaster.monitor.alerts.measures import alert_stats, read_told
from stationmaster.monitor.dashboard.pages.charts import Chart, Line
from stationmaster.monitor.dashboard.pages.panels import MissingError, Page, Panel
from stationmaster.monitor.dashboard.reading.incidents import (
    closed_incidents,
    findings_now,
    incident_page,
    open_incidents,
    silences_now,
)
from stationmaster.monitor.dashboard.reading.looks import watching
from stationmaster.monitor.dashboard.reading.products import products
from stationmaster.monitor.dashboard.reading.runs import (
    attempts_of_run,
    attempts_of_step,
    runs_of_pipeline,
)
from stationmaster.monitor.dashboard.reading.steps import outlooks, step_days, steps
from stationmaster.monitor.incidents.matching import Matcher

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stationmaster.monitor.dashboard.reading.incidents import IncidentPage
    from stationmaster.monitor.dashboard.reading.steps import StepDay
    from stationmaster.monitor.dashboard.state import Dashboard

__all__ = ["PAGES", "found_incident"]

MEASURED_DAYS: Final = 30
MOST_RUNS: Final = 60
MOST_STEPS: Final = 200
MOST_SHOWN: Final = 60


def found_incident(dashboard: Dashboard, told: Mapping[str, str]) -> IncidentPage:
    """Return the incident of a page's number.

    Raises:
        MissingError: There is none.
    """
    number = told.get("number", "")
    found = (
        incident_page(dashboard.source, int(number))
        if number.isascii() and number.isdigit() and len(number) < 16  # noqa: PLR2004 (a bigint has 19 digits)
        else None
    )
    if found is None:
        message = f"There is no incident {number[:20]}."
        raise MissingError(message)
    return found


def _incident(dashboard: Dashboard, told: Mapping[str, str]) -> dict[str, Any]:
    return {"page": found_incident(dashboard, told)}


def _incidents(dashboard: Dashboard, told: Mapping[str, str]) -> dict[str, Any]:
    del told
    silent = watching(dashboard.source, dashboard.silent_after).is_silent
    return {"incidents": open_incidents(dashboard.source), "silent": silent}


def _closed(dashboard: Dashboard, told: Mapping[str, str]) -> dict[str, Any]:
    del told
    return {"incidents": closed_incidents(dashboard.source)}


def _measured(dashboard: Dashboard, told: Mapping[str, str]) -> dict[str, Any]:
    del told
    source = dashboard.source
    until = source.now()
    since = until - dt.timedelta(days=MEASURED_DAYS)
    return {
        "stats": source.kept(
            "measured",
            lambda: alert_stats(
                read_told(source.engine, since=since, until=until), since=since, until=until
            ),
            seconds=60,
        )
    }


def _silences(dashboard: Dashboard, told: Mapping[str, str]) -> dict[str, Any]:
    del told
    rows = silences_now(dashboard.source)
    return {"rows": [{**row, "about": _in_words(row["matcher"])} for row in rows]}


def _in_words(matcher: Mapping[str, Any]) -> str:
    try:
        return Matcher.of(**matcher).in_words()
    except Exception:  # noqa: BLE001 (of another release: shown as it is)
        return ", ".join(f"{name} {value}" for name, value in matcher.items())


def _pipeline(dashboard: Dashboard, told: Mapping[str, str]) -> dict[str, Any]:
    name = told.get("name", "")
    runs = runs_of_pipeline(dashboard.source, name)
    if not runs:
        message = f"The ledger knows no pipeline {name}."
        raise MissingError(message)
    mine = dashboard.expectations.only(name)
    rows = products(dashboard.source, mine) if mine.products else []
    whole = [run for run in reversed(runs) if run.state == "done"][-MOST_SHOWN:]
    chart = Chart(
        "run-lengths",
        "How long its runs took, from the first attempt to the last",
        [f"{run.business_date.day} {run.business_date:%b}" for run in whole],
        [Line("length", [(run.last - run.began).total_seconds() for run in whole], kind="bar")],
        unit="seconds",
    )
    return {
        "name": name,
        "runs": runs[:MOST_RUNS],
        "product": next((row for row in rows if row.product.pipeline == name), None),
        "chart": chart if len(whole) > 1 else None,
        "steps": steps(dashboard.source, name),
    }


def _run(dashboard: Dashboard, told: Mapping[str, str]) -> dict[str, Any]:
    pipeline, run = told.get("pipeline", ""), told.get("run", "")
    rows = attempts_of_run(dashboard.source, pipeline, run)
    if not rows:
        message = f"The ledger knows no run {run} of {pipeline}."
        raise MissingError(message)
    return {
        "pipeline": pipeline,
        "run": run,
        "rows": rows,
        "chart": _timeline(rows, dashboard.source.now()),
    }


def _timeline(rows: Sequence[Mapping[str, Any]], now: dt.datetime) -> Chart:
    """Return when each attempt waited and ran, in seconds since the run's first moment."""
    shown = rows[:MOST_SHOWN]
    begun = min(_first(row) for row in rows)
    offsets, waits, lengths = [], [], []
    for row in shown:
        first = _first(row)
        started = row["started_at"]
        ended = row["finished_at"] or (now if row["verdict"] is None else row["recorded_at"])
        offsets.append(max(0.0, (first - begun).total_seconds()))
        waits.append(max(0.0, ((started or ended) - first).total_seconds()))
        lengths.append(max(0.0, (ended - started).total_seconds()) if started else 0.0)
    return Chart(
        "timeline",
        "When each step waited and ran, since the run began",
        [_named(row) for row in shown],
        [
            Line("before", offsets, "bar", "run", "none"),
            Line("waited", waits, "bar", "run", "quiet"),
            Line("ran", lengths, "bar", "run", "main"),
        ],
        unit="seconds",
        upright=False,
    )


def _first(row: Mapping[str, Any]) -> dt.datetime:
    known = [row[name] for name in ("queued_at", "created_at", "started_at") if row[name]]
    first: dt.datetime = min(known, default=row["recorded_at"])
    return first


def _named(row: Mapping[str, Any]) -> str:
    part = f" {row['shard'] + 1}/{row['shards']}" if row["shards"] > 1 else ""
    index = f"[{row['map_index']}]" if row["map_index"] >= 0 else ""
    again = f" #{row['attempt']}" if row["attempt"] > 1 else ""
    return f"{row['step']}{index}{part}{again}"


def _steps(dashboard: Dashboard, told: Mapping[str, str]) -> dict[str, Any]:
    rows = steps(dashboard.source, told.get("pipeline", ""))
    return {"rows": rows[:MOST_STEPS], "more": max(0, len(rows) - MOST_STEPS)}


def _step(dashboard: Dashboard, told: Mapping[str, str]) -> dict[str, Any]:
    pipeline, step = told.get("pipeline", ""), told.get("step", "")
    attempts = attempts_of_step(dashboard.source, pipeline, step)
    days = step_days(dashboard.source, pipeline, step)
    if not attempts and not days:
        message = f"The ledger knows no step {step} of {pipeline}."
        raise MissingError(message)
    known = steps(dashboard.source, pipeline)
    about = f"{pipeline}/{step}"
    return {
        "pipeline": pipeline,
        "step": step,
        "attempts": attempts[:MOST_SHOWN],
        "size": next((row for row in known if row.step == step), None),
        "charts": _trends(days, attempts),
        "outlooks": outlooks(dashboard.source, pipeline, step) if attempts else [],
        "findings": [r for r in findings_now(dashboard.source) if r.finding.subject.name == about],
    }


def _trends(days: Sequence[StepDay], attempts: Sequence[Mapping[str, Any]]) -> list[Chart]:
    if len(days) < 2:  # noqa: PLR2004 (one day is no trend)
        return []
    places = [f"{each.day.day} {each.day:%b}" for each in days]
    given = next((a["asked_memory_bytes"] for a in attempts if a["asked_memory_bytes"]), None)
    memory = [Line("peak", [float(each.peak) or None for each in days])]
    if given:
        memory.append(Line("given now", [float(given)] * len(days), "limit", role="bad"))
    failed = [float(each.failed) for each in days]
    well = [float(each.attempts - each.failed) for each in days]
    return [
        Chart("memory", "Most memory used, by day", places, memory, unit="bytes"),
        Chart(
            "seconds",
            "Time an attempt took, by day",
            places,
            [Line("time", [each.seconds for each in days])],
            unit="seconds",
        ),
        Chart(
            "rows",
            "Rows written, by day",
            places,
            [Line("rows", [float(each.rows) for each in days], kind="bar")],
        ),
        Chart(
            "ends",
            "Attempts, by day and end",
            places,
            [
                Line("went well", well, "bar", "ends", "good"),
                Line("ended badly", failed, "bar", "ends", "bad"),
            ],
        ),
    ]


ATTEMPTS: Final = ("attempts", "clock")
INCIDENTS: Final = ("incidents", "clock")
PAGES: Final = (
    Page(
        path="/incidents",
        title="Incidents",
        section="incidents",
        forms="forms/silences.html",
        panels=(
            Panel("incidents", "Open", INCIDENTS, _incidents),
            Panel("silences", "Silenced for now", INCIDENTS, _silences),
            Panel("measured", "How good the alerts are, last 30 days", INCIDENTS, _measured),
            Panel("closed", "Closed, last 30 days", INCIDENTS, _closed),
        ),
    ),
    Page(
        path="/incidents/{number}",
        title="Incident {number}",
        section="incidents",
        panels=(Panel("incident", "", (*INCIDENTS, "findings", "outbox"), _incident),),
        forms="forms/incident.html",
    ),
    Page(
        path="/engineering/pipeline",
        title="{name}",
        parameters=("name",),
        panels=(Panel("pipeline", "", ATTEMPTS, _pipeline),),
    ),
    Page(
        path="/engineering/run",
        title="Run of {pipeline}",
        parameters=("pipeline", "run"),
        panels=(Panel("run", "", ATTEMPTS, _run),),
    ),
    Page(
        path="/engineering/steps",
        title="Steps and their sizes",
        parameters=("pipeline",),
        section="steps",
        intro="The last 26 hours: what failed first, then what is fullest.",
        panels=(Panel("steps", "", ATTEMPTS, _steps),),
    ),
    Page(
        path="/engineering/step",
        title="{step}",
        parameters=("pipeline", "step"),
        section="steps",
        panels=(Panel("step", "", (*ATTEMPTS, "findings"), _step),),
    ),
)
