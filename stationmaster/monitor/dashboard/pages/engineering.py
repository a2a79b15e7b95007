"""The engineering page and what it leads to: pipelines, runs, steps, cost, checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from stationmaster.monitor.dashboard.access.logouts import logouts_of
from stationmaster.monitor.dashboard.pages.charts import Chart, Line
from stationmaster.monitor.dashboard.pages.panels import MissingError, Page, Panel
from stationmaster.monitor.dashboard.reading.incidents import actions, findings_now, open_incidents
from stationmaster.monitor.dashboard.reading.looks import check_states, outbox, watching
from stationmaster.monitor.dashboard.reading.money import money
from stationmaster.monitor.dashboard.reading.products import products
from stationmaster.monitor.dashboard.reading.runs import failures, going_on, pipelines
from stationmaster.monitor.dashboard.settings import Login

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stationmaster.monitor.dashboard.state import Dashboard

__all__ = ["PAGES"]

OTHERS_SESSIONS: Final = {
    Login.PROXY: "People log in at the proxy in front: sessions are ended there.",
    Login.AIRFLOW: "People log in to Airflow: sessions are ended there.",
}
MOST_PIPELINES: Final = 200
SHOWN_DAYS: Final = 60
CONTRACT: Final = "contract-"


def _overview(dashboard: Dashboard, told: Mapping[str, str]) -> dict[str, Any]:
    del told
    source = dashboard.source
    going = going_on(source)
    found = money(source)
    incidents = open_incidents(source)
    return {
        "incidents": incidents,
        "critical": sum(each.severity == "critical" for each in incidents),
        "waiting": sum(row["started_at"] is None for row in going),
        "running": sum(row["started_at"] is not None for row in going),
        "failures": len(failures(source)),
        "yesterday": found.yesterday if found.is_priced else None,
        "checks": check_states(source),
        "watching": watching(source, dashboard.silent_after),
        "outbox": outbox(source),
    }


def _incidents(dashboard: Dashboard, told: Mapping[str, str]) -> dict[str, Any]:
    del told
    return {"incidents": open_incidents(dashboard.source), "silent": _silent(dashboard)}


def _silent(dashboard: Dashboard) -> bool:
    """Tell whether nobody looks: then "nothing found" means nothing."""
    return watching(dashboard.source, dashboard.silent_after).is_silent


def _pipelines(dashboard: Dashboard, told: Mapping[str, str]) -> dict[str, Any]:
    """Return the pipelines by deadline: what is due first first, what nobody waits for last."""
    del told
    named = dashboard.expectations.products
    known = products(dashboard.source, dashboard.expectations) if named else []
    due = {row.product.pipeline: row for row in known if row.due_at is not None}
    rows = pipelines(dashboard.source)
    now = dashboard.source.now()
    rows.sort(key=lambda row: (_due(due, row.name) is None, _due(due, row.name) or now, row.name))
    return {"rows": rows[:MOST_PIPELINES], "due": due, "more": max(0, len(rows) - MOST_PIPELINES)}


def _due(due: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 (a moment or None)
    return due[name].due_at if name in due else None


def _going(dashboard: Dashboard, told: Mapping[str, str]) -> dict[str, Any]:
    del told
    places = {
        str(row.finding.subject): row.finding.what
        for row in findings_now(dashboard.source)
        if row.finding.check == "pods-pending"
    }
    return {"rows": going_on(dashboard.source), "pending": list(places.values())}


def _failures(dashboard: Dashboard, told: Mapping[str, str]) -> dict[str, Any]:
    del told
    return {"rows": failures(dashboard.source)}


def _forecasts(dashboard: Dashboard, told: Mapping[str, str]) -> dict[str, Any]:
    del told
    found = [row for row in findings_now(dashboard.source) if row.finding.foretold]
    return {"findings": found, "silent": _silent(dashboard)}


def _contracts(dashboard: Dashboard, told: Mapping[str, str]) -> dict[str, Any]:
    del told
    found = findings_now(dashboard.source)
    mine = [row for row in found if row.finding.check.startswith(CONTRACT)]
    return {"findings": mine, "silent": _silent(dashboard)}


def _findings(dashboard: Dashboard, told: Mapping[str, str]) -> dict[str, Any]:
    layer = told.get("layer", "")
    found = [
        row for row in findings_now(dashboard.source) if layer in {"", row.finding.layer.value}
    ]
    return {"findings": found, "layer": layer, "silent": _silent(dashboard)}


def _checks(dashboard: Dashboard, told: Mapping[str, str]) -> dict[str, Any]:
    del told
    source = dashboard.source
    return {
        "rows": check_states(source),
        "runbooks": set(dashboard.runbooks.names()),
        "silent_after": dashboard.silent_after,
        "now": source.now(),
    }


def _watcher(dashboard: Dashboard, told: Mapping[str, str]) -> dict[str, Any]:
    del told
    source = dashboard.source
    return {"watching": watching(source, dashboard.silent_after), "outbox": outbox(source)}


def _cost(dashboard: Dashboard, told: Mapping[str, str]) -> dict[str, Any]:
    del told
    found = money(dashboard.source)
    days = found.days[-SHOWN_DAYS:]
    chart = Chart(
        "cost-days",
        "Cost by day (UTC), dollars",
        [f"{each.day.day} {each.day:%b}" for each in days],
        [Line("cost", [each.dollars for each in days], kind="bar")],
        unit="dollars",
        note="The last day goes on.",
    )
    return {"money": found, "chart": chart if len(days) > 1 else None}


def _actions(dashboard: Dashboard, told: Mapping[str, str]) -> dict[str, Any]:
    del told
    return {"rows": actions(dashboard.source)}


def _logins(dashboard: Dashboard, told: Mapping[str, str]) -> dict[str, Any]:
    del told
    whose = OTHERS_SESSIONS.get(dashboard.settings.login)
    source = dashboard.source
    return {
        "rows": source.kept("who-was-logged-out", lambda: logouts_of(source.engine)),
        "own_sessions": whose is None,
        "login": whose or "",
    }


def _runbook(dashboard: Dashboard, told: Mapping[str, str]) -> dict[str, Any]:
    page = dashboard.runbooks.page(told.get("name", ""))
    if page is None:
        message = f"There is no runbook page {told.get('name', '')}."
        raise MissingError(message)
    return {"page": page}


def _runbooks(dashboard: Dashboard, told: Mapping[str, str]) -> dict[str, Any]:
    del told
    return {"names": dashboard.runbooks.names()}


EVERYTHING: Final = ("attempts", "findings", "incidents", "checks", "watcher", "outbox", "clock")
FOUND: Final = ("findings", "incidents", "watcher", "clock")
INCIDENTS: Final = Panel("incidents", "Open incidents", FOUND, _incidents)
FORECASTS: Final = Panel("forecasts", "What will be", FOUND, _forecasts)
GOING: Final = Panel("going", "Running and waiting", ("attempts", "clock"), _going)
ATTEMPTS: Final = ("attempts", "clock")

PAGES: Final = (
    Page(
        path="/engineering",
        title="Engineering",
        panels=(
            Panel("overview", "", EVERYTHING, _overview),
            INCIDENTS,
            Panel("pipelines", "Pipelines by deadline", ATTEMPTS, _pipelines),
            GOING,
            FORECASTS,
            Panel("contracts", "Contracts of sources", FOUND, _contracts),
            Panel("failures", "Ended badly, last 24 hours", ATTEMPTS, _failures),
        ),
    ),
    Page(
        path="/engineering/findings",
        title="What checks find now",
        parameters=("layer",),
        section="findings",
        panels=(Panel("findings", "", FOUND, _findings),),
    ),
    Page(
        path="/engineering/cost",
        title="Cost",
        section="cost",
        panels=(Panel("cost", "", ATTEMPTS, _cost),),
    ),
    Page(
        path="/engineering/checks",
        title="Checks and alerts",
        section="checks",
        panels=(
            Panel("watcher", "The watcher and its messages", EVERYTHING, _watcher),
            Panel("checks", "When each check looked", ("checks", "clock"), _checks),
        ),
    ),
    Page(
        path="/engineering/actions",
        title="Who did what",
        section="incidents",
        intro="Everything that people did here or by command in the last 30 days, and what they "
        "were not allowed to do.",
        panels=(Panel("actions", "", ("actions",), _actions),),
    ),
    Page(
        path="/logins",
        title="Sessions that were ended",
        section="logins",
        intro="A login ends by itself. Whoever lost a laptop, or left, is logged out here, of all "
        "browsers at once.",
        panels=(Panel("logins", "", ("actions",), _logins),),
        forms="forms/logins.html",
    ),
    Page(
        path="/runbooks",
        title="Runbooks",
        section="checks",
        panels=(Panel("runbooks", "", (), _runbooks),),
    ),
    Page(
        path="/runbooks/{name}",
        title="Runbook: {name}",
        section="checks",
        panels=(Panel("runbook", "", (), _runbook),),
    ),
)
