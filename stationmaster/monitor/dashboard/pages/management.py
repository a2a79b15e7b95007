"""The management page: are this morning's numbers here, right, at what cost, at what risk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from stationmaster.monitor.checks.finding import Severity
from stationmaster.monitor.dashboard.pages.charts import Chart, Line
from stationmaster.monitor.dashboard.pages.panels import Page, Panel
from stationmaster.monitor.dashboard.reading.incidents import findings_now, open_incidents
from stationmaster.monitor.dashboard.reading.looks import watching
from stationmaster.monitor.dashboard.reading.money import money
from stationmaster.monitor.dashboard.reading.products import Standing, products
from stationmaster.monitor.dashboard.reading.rightness import rightness

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stationmaster.monitor.dashboard.reading.incidents import IncidentRow
    from stationmaster.monitor.dashboard.reading.products import ProductRow
    from stationmaster.monitor.dashboard.reading.rightness import Rightness
    from stationmaster.monitor.dashboard.state import Dashboard

__all__ = ["MORNING"]

MOST_RISKS: Final = 12
SHOWN_DAYS: Final = 31
NOT_HERE: Final = {Standing.LATE, Standing.STOPPED}


def _morning(dashboard: Dashboard, told: Mapping[str, str]) -> dict[str, Any]:
    del told
    rows = products(dashboard.source, dashboard.expectations)
    right = rightness(dashboard.source, dashboard.expectations, rows)
    watched = watching(dashboard.source, dashboard.silent_after)
    missing = [row.day for row in rows if row.standing in NOT_HERE]
    return {
        "verdict": _verdict(rows, right),
        "day": max(missing, default=right.day),
        "rows": rows,
        "right": right,
        "watching": watched,
    }


def _verdict(rows: Sequence[ProductRow], right: Rightness) -> tuple[str, str]:
    """Return the answer to all of it: how it looks (good, warn, bad, idle), and one sentence."""
    asked = [row for row in rows if row.standing is not Standing.ASLEEP]
    if not asked:
        known = any(row.last_day for row in rows)
        return "idle", "No newer numbers were asked for." if known else "There are no numbers yet."
    missing = [row for row in asked if row.standing in NOT_HERE]
    coming = [row for row in asked if row.standing is Standing.COMING]
    off = [each for each in right.agreements if each.holds is False]
    doubtful = any(row.standing is Standing.DOUBTFUL for row in asked)
    if missing:
        return "bad", f"Not here yet: {_listed([row.product.name for row in missing])}."
    if coming and len(coming) == len(asked):
        return "idle", "This morning's numbers are not due yet."
    if off or doubtful:
        return "warn", "This morning's numbers are here, but something does not add up."
    if coming:
        names = _listed([row.product.name for row in coming])
        return "good", f"All that is due is here, and it adds up. Still to come: {names}."
    return "good", "This morning's numbers are here, and they add up."


def _listed(names: Sequence[str]) -> str:
    some = [f"the {name}" for name in names]
    return some[0] if len(some) == 1 else f"{', '.join(some[:-1])} and {some[-1]}"


def _right(dashboard: Dashboard, told: Mapping[str, str]) -> dict[str, Any]:
    del told
    rows = products(dashboard.source, dashboard.expectations)
    return {"right": rightness(dashboard.source, dashboard.expectations, rows)}


def _cost(dashboard: Dashboard, told: Mapping[str, str]) -> dict[str, Any]:
    del told
    found = money(dashboard.source)
    days = found.days[-SHOWN_DAYS:-1]
    chart = Chart(
        "cost-by-day",
        "Cost by day",
        [f"{each.day.day} {each.day:%b}" for each in days],
        [Line("cost", [each.dollars for each in days], kind="bar")],
        unit="dollars",
    )
    return {"money": found, "chart": chart if len(days) > 1 else None}


def _risk(dashboard: Dashboard, told: Mapping[str, str]) -> dict[str, Any]:
    del told
    rows = products(dashboard.source, dashboard.expectations)
    foretold = [
        row.finding
        for row in findings_now(dashboard.source)
        if row.finding.foretold and row.finding.severity is not Severity.INFO
    ]
    likely = [row for row in rows if row.chance is not None and row.chance >= 0.2]  # noqa: PLR2004 (one in five)
    return {
        "findings": foretold[:MOST_RISKS],
        "likely": likely,
        "silent": watching(dashboard.source, dashboard.silent_after).is_silent,
    }


def _work(dashboard: Dashboard, told: Mapping[str, str]) -> dict[str, Any]:
    del told
    found = open_incidents(dashboard.source)
    serious: list[IncidentRow] = [each for each in found if each.severity != Severity.INFO.value]
    silent = watching(dashboard.source, dashboard.silent_after).is_silent
    return {"incidents": serious, "silent": silent}


EVERYTHING: Final = ("attempts", "findings", "incidents", "clock")
MORNING: Final = Page(
    path="/",
    title="This morning",
    section="morning",
    panels=(
        Panel("morning", "", (*EVERYTHING, "watcher"), _morning),
        Panel("right", "Are they right?", EVERYTHING, _right),
        Panel("cost-short", "What did it cost?", ("attempts", "clock"), _cost),
        Panel("risk", "What is at risk?", (*EVERYTHING, "watcher"), _risk),
        Panel("work", "What is being worked on?", ("incidents", "watcher", "clock"), _work),
    ),
)
"""For everybody: no word that one must have learnt."""
